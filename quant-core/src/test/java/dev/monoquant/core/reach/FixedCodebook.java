package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
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
import java.util.Map;
import java.util.Optional;

/**
 * Sixteen fixed levels, the quantiles of a normal distribution (NF4), scaled to each 64 columns.
 */
final class FixedCodebook extends ReachScheme {

  private static final int GROUP = 64;

  /** The levels of bitsandbytes' NF4, rounded to four digits. */
  private static final float[] LEVELS = {
    -1f, -0.6962f, -0.5251f, -0.3949f, -0.2844f, -0.1848f, -0.0911f, 0f, 0.0796f, 0.1609f, 0.2461f,
    0.3379f, 0.4407f, 0.5626f, 0.723f, 1f
  };

  FixedCodebook() {
    super("nf4", 4, true, "group:" + GROUP);
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.UINT4),
        Part.perGroup(Part.SCALE, ElementType.FLOAT32, GROUP),
        new Part("codebook", ElementType.FLOAT32, new Part.Whole(TensorShape.of(LEVELS.length))));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return new Worker();
  }

  private record Worker() implements TileQuantizer {
    @Override
    public EncodedTile quantize(Tile tile) {
      int cols = tile.cols();
      int across = cells(cols, GROUP);
      float[] x = tile.values();
      byte[] codes = new byte[tile.height() * cols];
      float[] scales = new float[tile.height() * across];
      for (int cell = 0; cell < scales.length; cell++) {
        int from = cell / across * cols + cell % across * GROUP;
        int to = Math.min(from + GROUP, (cell / across + 1) * cols);
        scales[cell] = scale(greatest(x, from, to), 1);
        for (int i = from; i < to; i++) {
          codes[i] = (byte) nearest(LEVELS, x[i] / (double) scales[cell]);
        }
      }
      return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, bytes(scales)));
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of("codebook", bytes(LEVELS));
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            floatAt(tile.part("codebook"), tile.part(Part.CODES)[r * cols + c])
                * (double) floatAt(tile.part(Part.SCALE), r * cells(cols, GROUP) + c / GROUP));
  }
}
