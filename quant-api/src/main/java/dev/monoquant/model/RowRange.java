package dev.monoquant.model;

/**
 * Consecutive rows of a {@link WeightMatrix}.
 *
 * @param first the first row, 0 or more
 * @param height the number of rows, 0 or more
 */
public record RowRange(long first, int height) {

  /** Checks that neither number is negative and that the end is within 63 bits. */
  public RowRange {
    if (first < 0 || height < 0 || first > Long.MAX_VALUE - height) {
      throw new IllegalArgumentException(height + " rows from row " + first + " on");
    }
  }

  /** {@return the row after the last one} */
  public long end() {
    return first + height;
  }
}
