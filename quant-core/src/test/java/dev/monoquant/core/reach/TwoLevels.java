package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Scales of scales: an FP8 number for each 16 columns, which counts in one float32 for all. */
final class TwoLevels extends ReachScheme {

  private static final int GROUP = 16;
  private static final float[] FP8 = new float[127];

  static {
    for (int bits = 0; bits < FP8.length; bits++) {
      int exponent = bits >> 3;
      int fraction = bits & 7;
      FP8[bits] = exponent == 0 ? fraction * 0x1p-9f : Math.scalb(1 + fraction / 8f, exponent - 7);
    }
  }

  TwoLevels() {
    super("two-levels", 4, true, "group:" + GROUP);
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT4),
        Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, GROUP),
        Part.perTensor("global_scale", ElementType.FLOAT32));
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of(Need.TENSOR_RANGE);
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    Facts.Range range = facts.range();
    double greatest = Math.max(-(double) range.min(), range.max());
    return new Worker(scale(greatest / 7, (int) FP8[FP8.length - 1]));
  }

  private record Worker(float global) implements TileQuantizer {
    @Override
    public EncodedTile quantize(Tile tile) {
      int cols = tile.cols();
      float[] x = tile.values();
      byte[] codes = new byte[tile.height() * cols];
      byte[] scales = new byte[tile.height() * cells(cols, GROUP)];
      for (int cell = 0; cell < scales.length; cell++) {
        int across = cells(cols, GROUP);
        int from = cell / across * cols + cell % across * GROUP;
        int to = Math.min(from + GROUP, (cell / across + 1) * cols);
        int bits = nearest(FP8, greatest(x, from, to) / 7.0 / global);
        scales[cell] = (byte) bits;
        double scale = FP8[bits] * (double) global;
        for (int i = from; i < to; i++) {
          codes[i] = (byte) clamp(scale == 0 ? 0 : (long) Math.rint(x[i] / scale), -7, 7);
        }
      }
      return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, scales));
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of("global_scale", bytes(global));
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            tile.part(Part.CODES)[r * cols + c]
                * (double) FP8[tile.part(Part.SCALE)[r * cells(cols, GROUP) + c / GROUP]]
                * floatAt(tile.part("global_scale"), 0));
  }
}
