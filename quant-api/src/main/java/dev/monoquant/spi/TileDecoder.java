package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;

/** Decodes the tiles of one weight. Immutable and thread-safe. */
@FunctionalInterface
public interface TileDecoder {

  /**
   * Decodes a block of rows; each value is representable in the weight's type.
   *
   * @param tile all parts of a block of rows, including whole parts; do not change it
   * @param out receives the values, row-major, at least {@code tile.height() * cols} elements;
   *     later elements do not change
   */
  void decode(EncodedTile tile, float[] out);

  /**
   * The decoder of a weight that no scheme made, such as one that another project quantized.
   *
   * @param weight a weight whose formula is not opaque
   * @return an immutable, thread-safe worker
   * @throws IllegalArgumentException if its formula is opaque
   */
  static TileDecoder ofFormula(EncodedWeight weight) {
    if (weight.encoding().formula() instanceof Formula.Opaque) {
      throw new IllegalArgumentException("the formula of " + weight.name() + " is opaque");
    }
    return new FormulaDecoder(weight);
  }
}
