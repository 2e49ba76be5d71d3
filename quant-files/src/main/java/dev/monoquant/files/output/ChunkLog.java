package dev.monoquant.files.output;

import java.util.Arrays;

/** What was written where, with its CRC32C. Not thread-safe. */
final class ChunkLog {

  private long[] starts = new long[64];
  private int[] lengths = new int[64];
  private int[] sums = new int[64];
  private int size;

  void add(long start, int length, int sum) {
    if (size == starts.length) {
      starts = Arrays.copyOf(starts, size * 2);
      lengths = Arrays.copyOf(lengths, size * 2);
      sums = Arrays.copyOf(sums, size * 2);
    }
    starts[size] = start;
    lengths[size] = length;
    sums[size++] = sum;
  }

  /** Checks every chunk once, in the order of the file. */
  interface Visitor<E extends Exception> {
    void visit(long start, int length, int sum) throws E;
  }

  /**
   * Walks all chunks in the order of the file.
   *
   * @return the byte where a gap or an overlap begins, or else where the last chunk ends
   */
  <E extends Exception> long walk(Visitor<E> visitor) throws E {
    Long[] order = new Long[size];
    for (int i = 0; i < size; i++) {
      order[i] = (long) i;
    }
    Arrays.sort(order, (a, b) -> Long.compare(starts[a.intValue()], starts[b.intValue()]));
    long expected = 0;
    for (Long index : order) {
      int i = index.intValue();
      if (starts[i] != expected) {
        return Math.min(expected, starts[i]);
      }
      visitor.visit(starts[i], lengths[i], sums[i]);
      expected += lengths[i];
    }
    return expected;
  }
}
