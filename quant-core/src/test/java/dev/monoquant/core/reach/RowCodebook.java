package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
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
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** Eight levels for each row, its own quantiles: a run of cells for a row. */
final class RowCodebook extends ReachScheme {

  private static final int LEVELS = 8;

  RowCodebook() {
    super("row-codebook", 3, false, "channel");
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.UINT3),
        Part.runPerRow("codebook", ElementType.FLOAT32, LEVELS));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return RowCodebook::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    int cols = tile.cols();
    byte[] codes = new byte[tile.height() * cols];
    float[] codebooks = new float[tile.height() * LEVELS];
    for (int row = 0; row < tile.height(); row++) {
      float[] x = Arrays.copyOfRange(tile.values(), row * cols, (row + 1) * cols);
      float[] sorted = x.clone();
      Arrays.sort(sorted);
      float[] levels = new float[LEVELS];
      for (int k = 0; k < LEVELS; k++) {
        levels[k] = sorted[(int) ((2L * k + 1) * cols / (2 * LEVELS))];
      }
      for (int c = 0; c < cols; c++) {
        codes[row * cols + c] = (byte) nearest(levels, x[c]);
      }
      System.arraycopy(levels, 0, codebooks, row * LEVELS, LEVELS);
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, "codebook", bytes(codebooks)));
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            floatAt(tile.part("codebook"), r * LEVELS + tile.part(Part.CODES)[r * cols + c]));
  }
}
