package ${package};

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;

/**
 * To start with: INT8 with a power of two for each row. The scale is the power of two for which the
 * largest value is 64 to 128 times the scale, and code = x / scale, half to even, within -127 and
 * 127. Replace {@code quantize} and what it declares by yours; the test tells what does not fit.
 */
public final class ${className} implements Scheme {

  private static final Part CODES = Part.perElement(Part.CODES, ElementType.INT8);
  private static final Part SCALE = Part.perRow(Part.SCALE, ElementType.FLOAT32);

  @Override
  public SchemeId id() {
    return new SchemeId("${schemeId}", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("channel"),
        CommonOptions.profile("own"));
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    return Fit.of(Encoding.affine(CODES, SCALE));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    return ${className}::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    float[] x = tile.values();
    int cols = tile.cols();
    byte[] codes = new byte[tile.height() * cols];
    float[] scales = new float[tile.height()];
    for (int row = 0; row < scales.length; row++) {
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

  /** The largest value of a row may be clamped by up to one step; others are off by half. */
  @Override
  public ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return (tile, row) -> tile.floatAt(SCALE, row);
  }
}
