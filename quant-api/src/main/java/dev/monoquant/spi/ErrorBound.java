package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;

/**
 * The maximum difference between decoded values and their originals. Every run is checked against
 * it. Immutable and thread-safe.
 */
@FunctionalInterface
public interface ErrorBound {

  /** No bound: nothing is checked. */
  ErrorBound NONE = (tile, row) -> Double.POSITIVE_INFINITY;

  /**
   * The bound of one row.
   *
   * @param tile all parts of a block of rows, including whole parts; do not change it
   * @param row the row within the tile, 0 to height - 1
   * @return the bound in units of the weight, not negative; infinity for no bound
   */
  double of(EncodedTile tile, int row);
}
