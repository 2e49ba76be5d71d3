package dev.monoquant.testkit.laws;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * One way to damage a file. The damages depend only on the size of the file, so a failure is
 * repeatable.
 *
 * @param what a description of the damage, with the position
 * @param bytes the damaged file
 */
@SuppressWarnings("ArrayRecordComponent")
record Damage(String what, byte[] bytes) {

  /** Every position this close to either end is tried, because headers and trailers are there. */
  private static final int NEAR = 200;

  /** Positions tried in between, evenly spread. */
  private static final int BETWEEN = 64;

  /**
   * The file truncated at every length near its ends and some in between, including the empty file.
   */
  static List<Damage> truncations(byte[] intact) {
    List<Damage> all = new ArrayList<>();
    for (int length : positions(intact.length)) {
      all.add(
          new Damage(
              "cut to %d of %d bytes".formatted(length, intact.length),
              Arrays.copyOf(intact, length)));
    }
    return all;
  }

  /** The file with one bit flipped: the lowest and the highest of each byte, and one in between. */
  static List<Damage> flips(byte[] intact) {
    List<Damage> all = new ArrayList<>();
    for (int at : positions(intact.length)) {
      for (int bit : new int[] {0, 1 + at % 6, 7}) {
        byte[] bytes = intact.clone();
        bytes[at] ^= (byte) (1 << bit);
        all.add(new Damage("bit %d of byte %d flipped".formatted(bit, at), bytes));
      }
    }
    return all;
  }

  private static TreeSet<Integer> positions(int size) {
    TreeSet<Integer> positions = new TreeSet<>();
    for (int i = 0; i < Math.min(NEAR, size); i++) {
      positions.add(i);
      positions.add(size - 1 - i);
    }
    for (int i = 0; i < Math.min(BETWEEN, size); i++) {
      positions.add((int) ((long) size * i / BETWEEN));
    }
    return positions;
  }
}
