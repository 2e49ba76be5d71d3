package dev.monoquant.core.reach;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;

/**
 * Super-blocks of 256 columns with eight sub-blocks: 4-bit codes, a scale and a least number of 6
 * bits for each sub-block, and for each super-block a float16 that these count in.
 */
final class SuperBlocks extends ReachScheme {

  private static final int SUPER = 256;
  private static final int SUB = 32;

  SuperBlocks() {
    super("superblocks", 4, false, "group:" + SUPER);
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.UINT4),
        Part.perGroup("sub_scale", ElementType.UINT6, SUB),
        Part.perGroup("sub_min", ElementType.UINT6, SUB),
        Part.perGroup("super_scale", ElementType.FLOAT16, SUPER),
        Part.perGroup("super_min", ElementType.FLOAT16, SUPER));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return SuperBlocks::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    int cols = tile.cols();
    float[] x = tile.values();
    byte[] codes = new byte[tile.height() * cols];
    int subs = cells(cols, SUB);
    int supers = cells(cols, SUPER);
    byte[] subScales = new byte[tile.height() * subs];
    byte[] subMins = new byte[tile.height() * subs];
    ByteBuffer scales = ByteBuffer.allocate(tile.height() * supers * 2);
    ByteBuffer mins = ByteBuffer.allocate(tile.height() * supers * 2);
    scales.order(ByteOrder.LITTLE_ENDIAN);
    mins.order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < tile.height(); row++) {
      for (int first = 0; first < cols; first += SUPER) {
        int last = Math.min(cols, first + SUPER);
        double scale = 0;
        double min = 0;
        for (int sub = first; sub < last; sub += SUB) {
          double low = low(x, row * cols + sub, row * cols + Math.min(last, sub + SUB));
          double high = high(x, row * cols + sub, row * cols + Math.min(last, sub + SUB));
          scale = Math.max(scale, (high - low) / 15 / 63);
          min = Math.max(min, -low / 63);
        }
        float superScale = up(scale);
        float superMin = up(min);
        scales.putShort(Float16.fromFloat(superScale));
        mins.putShort(Float16.fromFloat(superMin));
        for (int sub = first; sub < last; sub += SUB) {
          int from = row * cols + sub;
          int to = row * cols + Math.min(last, sub + SUB);
          int subMin = superMin == 0 ? 0 : (int) Math.ceil(-low(x, from, to) / superMin);
          double low = -superMin * (double) subMin;
          double step = (high(x, from, to) - low) / 15;
          int subScale = superScale == 0 ? 0 : (int) Math.ceil(step / superScale);
          int cell = row * subs + sub / SUB;
          subScales[cell] = (byte) clamp(subScale, 0, 63);
          subMins[cell] = (byte) clamp(subMin, 0, 63);
          double exact = superScale * (double) subScales[cell];
          for (int i = from; i < to; i++) {
            long code = exact == 0 ? 0 : (long) Math.rint((x[i] - low) / exact);
            codes[i] = (byte) clamp(code, 0, 15);
          }
        }
      }
    }
    return EncodedTile.of(
        tile,
        Map.of(
            Part.CODES,
            codes,
            "sub_scale",
            subScales,
            "sub_min",
            subMins,
            "super_scale",
            scales.array(),
            "super_min",
            mins.array()));
  }

  /** The float16 next above a number that is not negative. */
  private static float up(double x) {
    float rounded = Float16.round((float) x);
    float up = rounded >= x ? rounded : Math.max(0x1p-24f, rounded * (1 + Float16.EPSILON));
    if (Float16.round(up) > Float16.MAX_VALUE) {
      throw new ValidationException("a scale of " + x + " is beyond float16");
    }
    return Float16.round(up);
  }

  /** The least number or zero: what is positive needs no offset. */
  private static double low(float[] x, int from, int to) {
    double low = 0;
    for (int i = from; i < to; i++) {
      low = Math.min(low, x[i]);
    }
    return low;
  }

  private static double high(float[] x, int from, int to) {
    double high = 0;
    for (int i = from; i < to; i++) {
      high = Math.max(high, x[i]);
    }
    return high;
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    int subs = cells(cols, SUB);
    int supers = cells(cols, SUPER);
    return decoder(
        rows,
        (tile, r, c) -> {
          int sub = r * subs + c / SUB;
          int block = r * supers + c / SUPER;
          double scale = half(tile.part("super_scale"), block) * tile.part("sub_scale")[sub];
          double min = half(tile.part("super_min"), block) * tile.part("sub_min")[sub];
          return tile.part(Part.CODES)[r * cols + c] * scale - min;
        });
  }

  private static double half(byte[] bytes, int index) {
    short bits = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort(2 * index);
    return Float16.toFloat(bits);
  }
}
