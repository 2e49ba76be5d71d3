package dev.monoquant.model;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Checks of the bytes of a tile, eight at a time in one long. */
public final class CellChecks {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long EACH_BYTE = 0x0101_0101_0101_0101L;
  private static final long EACH_SHORT = 0x0001_0001_0001_0001L;

  private static final long SIGNS = 0x8000_8000_8000_8000L;

  private CellChecks() {}

  /**
   * {@return whether every byte is a code of some bits}
   *
   * <p>A signed code repeats its highest bit in the bits above: each of these bits is equal to the
   * bit below it. An unsigned one has zeros there.
   *
   * @param cells a byte for each code
   * @param bits bits of a code, 1 to 8
   * @param signed whether codes are in two's complement
   */
  public static boolean areCodes(byte[] cells, int bits, boolean signed) {
    int same = signed ? (0x7F << (bits - 1)) & 0x7F : (0xFF << bits) & 0xFF;
    if (same == 0) {
      return true;
    }
    long mask = same * EACH_BYTE;
    long wrong = 0;
    int words = cells.length & -Long.BYTES;
    for (int i = 0; i < words; i += Long.BYTES) {
      long word = (long) LONGS.get(cells, i);
      wrong |= signed ? word ^ (word >>> 1) : word;
    }
    for (int i = words; i < cells.length; i++) {
      long cell = cells[i] & 0xFF;
      wrong |= signed ? cell ^ (cell >>> 1) : cell;
    }
    return (wrong & mask) == 0;
  }

  /**
   * {@return whether a little-endian number of 16 bits may have all bits of its exponent, as
   * infinities and NaN have; true in doubt}
   *
   * <p>The magnitude of such a number plus the lowest bit of the exponent carries into the sign.
   *
   * @param cells two bytes for each number
   * @param exponent the bits of the exponent, 0x7C00 or 0x7F80
   */
  public static boolean mayHoldNonFinite(byte[] cells, int exponent) {
    long field = exponent * EACH_SHORT;
    long lowest = (exponent & -exponent) * EACH_SHORT;
    long carried = 0;
    int words = cells.length & -Long.BYTES;
    for (int i = 0; i < words; i += Long.BYTES) {
      carried |= ((long) LONGS.get(cells, i) & field) + lowest;
    }
    boolean found = (carried & SIGNS) != 0;
    for (int i = words; i + 1 < cells.length; i += 2) {
      int cell = (cells[i] & 0xFF) | (cells[i + 1] & 0xFF) << 8;
      found |= (cell & exponent) == exponent;
    }
    return found;
  }

  /**
   * {@return the greatest of little-endian numbers of 16 bits, without their highest bits}
   *
   * <p>Four at a time: the highest bit of {@code (a | sign) - b} in each lane tells whether a is at
   * least b.
   *
   * @param cells two bytes for each number
   * @param from index of the first byte
   * @param to index after the last byte
   */
  public static int greatestMagnitude(byte[] cells, int from, int to) {
    long most = 0;
    int i = from;
    for (; i <= to - Long.BYTES; i += Long.BYTES) {
      long next = (long) LONGS.get(cells, i) & ~SIGNS;
      long atLeast = ((next | SIGNS) - most) & SIGNS;
      // 0x7FFF in each lane whose number is at least the most so far.
      long take = atLeast - (atLeast >>> 15);
      most = (next & take) | (most & ~take);
    }
    int greatest = 0;
    for (int lane = 0; lane < Long.SIZE; lane += Short.SIZE) {
      greatest = Math.max(greatest, (int) (most >>> lane) & 0x7FFF);
    }
    for (; i < to; i += 2) {
      greatest = Math.max(greatest, ((cells[i + 1] & 0x7F) << 8) | (cells[i] & 0xFF));
    }
    return greatest;
  }
}
