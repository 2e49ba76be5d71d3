package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;

/**
 * How far decoded numbers may be from their originals, at most. Every run is checked against it.
 * Immutable and thread-safe.
 */
@FunctionalInterface
public interface ErrorBound {

  /** No bound is declared, and none is checked. */
  ErrorBound NONE = (tile, row) -> Double.POSITIVE_INFINITY;

  /**
   * The bound of one row.
   *
   * @param tile all parts of a block of rows, the whole ones included; read only
   * @param row the row within the tile, 0 to height - 1
   * @return the bound in units of the weight, not negative; infinity if none is declared
   */
  double of(EncodedTile tile, int row);
}
