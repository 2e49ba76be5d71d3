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
import java.util.Map;
import java.util.Optional;

/**
 * Two widths in one weight: the high halves of 8-bit codes are 4-bit codes of their own, and the
 * low halves make them 8-bit ones again. Who wants the small weight reads one part less.
 */
final class Nested extends ReachScheme {

  static final String HIGH = "codes_high";
  static final String LOW = "codes_low";

  Nested() {
    super("nested", 8, true, "channel");
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(HIGH, ElementType.INT4),
        Part.perElement(LOW, ElementType.UINT4),
        Part.perRow(Part.SCALE, ElementType.FLOAT32));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return Nested::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    int cols = tile.cols();
    float[] x = tile.values();
    byte[] high = new byte[tile.height() * cols];
    byte[] low = new byte[high.length];
    float[] scales = new float[tile.height()];
    for (int row = 0; row < tile.height(); row++) {
      scales[row] = scale(greatest(x, row * cols, (row + 1) * cols), 127);
      for (int i = row * cols; i < (row + 1) * cols; i++) {
        int code = clamp((long) Math.rint(x[i] / (double) scales[row]), -127, 127);
        high[i] = (byte) (code >> 4);
        low[i] = (byte) (code & 15);
      }
    }
    return EncodedTile.of(tile, Map.of(HIGH, high, LOW, low, Part.SCALE, bytes(scales)));
  }

  /** The 4-bit weight: of what the low half says, only its middle is known. */
  static double coarse(EncodedTile tile, int cols, int row, int col) {
    double scale = floatAt(tile.part(Part.SCALE), row);
    return (tile.part(HIGH)[row * cols + col] * 16 + 7.5) * scale;
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            (tile.part(HIGH)[r * cols + c] * 16 + tile.part(LOW)[r * cols + c])
                * (double) floatAt(tile.part(Part.SCALE), r));
  }
}
