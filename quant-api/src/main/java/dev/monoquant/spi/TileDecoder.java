package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;

/** Decodes the tiles of one weight. Immutable and thread-safe. */
@FunctionalInterface
public interface TileDecoder {

  /**
   * Writes the numbers that the codes stand for, each representable in the weight's own type.
   *
   * @param tile all parts of a block of rows, the whole ones included; read only
   * @param out row-major, at least {@code tile.height() * cols} elements; those beyond stay
   *     untouched
   */
  void decode(EncodedTile tile, float[] out);

  /**
   * How far a decoded number of a row may be from its original, at most. Every run is checked
   * against it.
   *
   * @param tile all parts of a block of rows; read only
   * @param row the row within the tile, 0 to height - 1
   * @return the bound in units of the weight; infinity if none is declared
   */
  default double errorBound(EncodedTile tile, int row) {
    return Double.POSITIVE_INFINITY;
  }
}
