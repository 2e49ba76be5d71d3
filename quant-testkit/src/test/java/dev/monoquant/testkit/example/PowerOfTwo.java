package dev.monoquant.testkit.example;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;

/**
 * INT8 with a power of two for each row, so that decoding is a shift: the scale is the power of two
 * with the greatest number of the row between 64 and 128 times it, and code = x / scale, half to
 * even, within -127 and 127.
 */
@AutoService(Scheme.class)
public final class PowerOfTwo implements Scheme {

  private static final Part CODES = Part.perElement(Part.CODES, ElementType.INT8);
  private static final Part SCALE = Part.perRow(Part.SCALE, ElementType.FLOAT32);

  @Override
  public SchemeId id() {
    return new SchemeId("acme/pow2", 1);
  }

  @Override
  public Options defaults(WeightMatrix rows) {
    return new Options(8, true, Granularity.CHANNEL, "acme", Compute.AUTO, Map.of());
  }

  @Override
  public Encoding encoding(WeightMatrix rows, Options options) {
    if (!options.withCompute(Compute.AUTO).equals(defaults(rows))) {
      throw new ConfigurationException(
          "acme/pow2 has 8 bits, symmetric, per channel, profile acme; not " + options);
    }
    return Encoding.affine(CODES, SCALE);
  }

  @Override
  public TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
    return PowerOfTwo::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    float[] x = tile.values();
    int cols = tile.cols();
    byte[] codes = new byte[tile.height() * cols];
    float[] scales = new float[tile.height()];
    for (int row = 0; row < tile.height(); row++) {
      float greatest = 0;
      for (int i = row * cols; i < (row + 1) * cols; i++) {
        greatest = Math.max(greatest, Math.abs(x[i]));
      }
      scales[row] = Math.scalb(1f, Math.getExponent(greatest) - 6);
      for (int i = row * cols; i < (row + 1) * cols; i++) {
        codes[i] = (byte) Math.max(-127, Math.min(127, Math.rint(x[i] / scales[row])));
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, SCALE.toBytes(scales)));
  }

  /** The greatest number of a row may be clamped by up to one step; all others are off by half. */
  @Override
  public ErrorBound bound(WeightMatrix rows, Options options) {
    return (tile, row) -> tile.floatAt(SCALE, row);
  }
}
