package dev.monoquant.testkit.watch;

import java.util.BitSet;

/** The rows of a weight that have arrived. Thread-safe. */
final class RowSet {

  private final BitSet seen = new BitSet();
  private final int rows;

  RowSet(long rows) {
    this.rows = Math.toIntExact(rows);
  }

  /** {@return the fault of some more rows, empty if there is none} */
  synchronized String add(long first, int height) {
    if (first < 0 || height < 1 || first + height > rows) {
      return "rows " + first + " to " + (first + height - 1) + " of " + rows;
    }
    int from = (int) first;
    int twice = seen.nextSetBit(from);
    seen.set(from, from + height);
    return twice >= 0 && twice < from + height ? "row " + twice + " comes twice" : "";
  }

  /** {@return the missing rows as text, empty if there are none} */
  synchronized String missing() {
    int first = seen.nextClearBit(0);
    return first < rows ? "row " + first + " never came" : "";
  }
}
