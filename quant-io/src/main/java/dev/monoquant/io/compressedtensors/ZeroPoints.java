package dev.monoquant.io.compressedtensors;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The zero points of a weight, packed down their columns: in column g, row r lies at bits {@code r
 * * bits} and up of the column's words, offset by 2^(bits-1), least significant bit first.
 *
 * <p>Rows come in tiles that need not end where words do, so all rows are collected first; there is
 * one zero point for a row or a group, so that is small.
 */
final class ZeroPoints {

  private final int bits;
  private final int groups;
  private final byte[] codes;
  private long rowsLeft;

  ZeroPoints(int rows, int groups, int bits) {
    this.bits = bits;
    this.groups = groups;
    this.codes = new byte[Math.multiplyExact(rows, groups)];
    this.rowsLeft = rows;
  }

  /**
   * Takes some rows in.
   *
   * @return the packed words when these were the last rows, else null
   */
  synchronized @Nullable ByteBuffer add(long firstRow, int height, byte[] cells) {
    System.arraycopy(cells, 0, codes, Math.toIntExact(firstRow * groups), cells.length);
    rowsLeft -= height;
    return rowsLeft == 0 ? pack() : null;
  }

  private ByteBuffer pack() {
    int rows = codes.length / groups;
    int words = Math.toIntExact(PackedWeight.words(rows, bits));
    int[] packed = new int[Math.multiplyExact(words, groups)];
    int mask = (1 << bits) - 1;
    int offset = 1 << (bits - 1);
    for (int r = 0; r < rows; r++) {
      long bit = (long) r * bits;
      int word = (int) (bit / Integer.SIZE);
      int shift = (int) (bit % Integer.SIZE);
      for (int g = 0; g < groups; g++) {
        int value = codes[r * groups + g] + offset & mask;
        packed[word * groups + g] |= value << shift;
        if (shift + bits > Integer.SIZE) {
          packed[(word + 1) * groups + g] |= value >>> (Integer.SIZE - shift);
        }
      }
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(packed.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(packed);
    return bytes;
  }

  /**
   * Reads rows back.
   *
   * @param words all words, little-endian
   * @param dense whether codes may cross the edges of words
   */
  static byte[] unpack(
      ByteBuffer words, int bits, int groups, long firstRow, int height, boolean dense) {
    byte[] out = new byte[Math.multiplyExact(height, groups)];
    int mask = (1 << bits) - 1;
    int offset = 1 << (bits - 1);
    int each = Integer.SIZE / bits;
    for (int r = 0; r < height; r++) {
      long row = firstRow + r;
      long word = dense ? row * bits / Integer.SIZE : row / each;
      int shift = (int) (dense ? row * bits % Integer.SIZE : row % each * bits);
      for (int g = 0; g < groups; g++) {
        int at = Math.toIntExact((word * groups + g) * Integer.BYTES);
        int value = words.getInt(at) >>> shift;
        if (shift + bits > Integer.SIZE) {
          value |= words.getInt(at + groups * Integer.BYTES) << (Integer.SIZE - shift);
        }
        out[r * groups + g] = (byte) ((value & mask) - offset);
      }
    }
    return out;
  }
}
