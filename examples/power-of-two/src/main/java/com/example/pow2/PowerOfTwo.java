package com.example.pow2;

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
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;

/**
 * INT8 with a power of two for each row, or each group of columns in it, so that decoding is a
 * shift: the scale is the power of two for which the largest value is 64 to 128 times the scale,
 * and code = x / scale, half to even, within -127 and 127. The last group of a row may be smaller.
 */
public final class PowerOfTwo implements Scheme {

  private static final Part CODES = Part.perElement(Part.CODES, ElementType.INT8);
  private static final Part SCALE = Part.perRow(Part.SCALE, ElementType.FLOAT32);

  @Override
  public SchemeId id() {
    return new SchemeId("example/pow2", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("channel", "group:N"),
        CommonOptions.profile("example"));
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    return Fit.of(
        options.granularity() instanceof Granularity.PerGroup group
            ? Encoding.affine(CODES, Part.perGroup(Part.SCALE, ElementType.FLOAT32, group.size()))
            : Encoding.affine(CODES, SCALE));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    int size = Math.toIntExact(options.granularity().columns(weight.columnCount()));
    return tile -> quantize(tile, size);
  }

  private static EncodedTile quantize(Tile tile, int size) {
    float[] x = tile.values();
    int cols = tile.cols();
    int groups = (cols + size - 1) / size;
    byte[] codes = new byte[tile.height() * cols];
    float[] scales = new float[tile.height() * groups];
    for (int g = 0; g < scales.length; g++) {
      int from = g / groups * cols + g % groups * size;
      int to = Math.min(from + size, (g / groups + 1) * cols);
      float greatest = 0;
      for (int i = from; i < to; i++) {
        greatest = Math.max(greatest, Math.abs(x[i]));
      }
      scales[g] = Math.scalb(1f, Math.getExponent(greatest) - 6);
      for (int i = from; i < to; i++) {
        codes[i] = (byte) Math.max(-127, Math.min(127, Math.rint(x[i] / scales[g])));
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, SCALE.toBytes(scales)));
  }

  /** The largest value of a group may be clamped by up to one step; others are off by half. */
  @Override
  public ErrorBound bound(WeightMatrix weight, OptionValues options) {
    long size = options.granularity().columns(weight.columnCount());
    int groups = Math.toIntExact((weight.columnCount() + size - 1) / size);
    return (tile, row) -> {
      double greatest = 0;
      for (int g = row * groups; g < (row + 1) * groups; g++) {
        greatest = Math.max(greatest, tile.floatAt(SCALE, g));
      }
      return greatest;
    };
  }
}
