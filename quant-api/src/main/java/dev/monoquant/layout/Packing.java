package dev.monoquant.layout;

import dev.monoquant.model.ElementType;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * How a line of cells, such as a row of codes, is stored in the elements of a tensor. Cells of 16
 * bits and more are little-endian. Examples below 8 bits:
 *
 * <pre>
 * packing       cell  line of cells                     bytes
 * CELLS         I4    1 -1 7 -8 3                       01 ff 07 f8 03
 * BITS          I4    1 -1 7 -8 3                       f1 87 03
 * BITS          U3    1 2 3 4 5 6 7 0 1                 d1 58 1f 01
 * BITS          I3    1 -1 3 -4                         f9 08
 * WORDS         I4    1 -1 7 -8 3                       79 0f 0b 00
 * WORDS         I3    0 0 0 0 0 0 0 0 0 0 -1 3          24 49 92 e4 0e 00 00 00
 * PADDED_WORDS  I4    1 -1 7 -8 3                       79 0f 0b 00
 * PADDED_WORDS  I3    0 0 0 0 0 0 0 0 0 0 -1 3          24 49 92 24 3b 00 00 00
 * EVEN_ODD      U4    0 1 2 3 4 5 6 7 8                 20 64 31 75 08 00 00 00
 * </pre>
 *
 * <p>If cells share bytes, the first cell has the least significant bits, and unused bits of the
 * last element are zero. In words, 2^(bits-1) is added to signed codes, so that all are
 * non-negative.
 */
public enum Packing {

  /** As in tiles: one sign-extended byte for a cell below 8 bits. */
  CELLS,

  /**
   * Cells below 8 bits without gaps, signed codes in two's complement; other cells as in {@link
   * #CELLS}.
   */
  BITS,

  /** Codes without gaps in little-endian 32-bit words; a code may cross a word boundary. */
  WORDS,

  /**
   * As many whole codes as fit in each little-endian 32-bit word; no code crosses a word boundary.
   */
  PADDED_WORDS,

  /**
   * Codes of 4 bits in little-endian 32-bit words, of each eight first those at even and then those
   * at odd positions: 0 2 4 6 1 3 5 7, as AutoAWQ packs them.
   */
  EVEN_ODD;

  private static final int LANES = 8;

  /**
   * {@return the type of the stored elements}
   *
   * @param cell the type of a cell
   * @throws IllegalArgumentException if the packing uses words and the cells are not codes
   */
  public ElementType type(ElementType cell) {
    if (inWords()) {
      if (this == EVEN_ODD && cell.bits() != 4) {
        throw new IllegalArgumentException(
            "cells of type " + cell.wire() + " cannot be stored as even and odd ones; 4 bits can");
      }
      if (!cell.isCode()) {
        throw new IllegalArgumentException(
            "cells of type " + cell.wire() + " cannot be stored in words; codes can");
      }
      return ElementType.INT32;
    }
    if (cell.bits() >= Byte.SIZE) {
      return cell;
    }
    return this == CELLS && extendsSign(cell) ? ElementType.INT8 : ElementType.UINT8;
  }

  /**
   * {@return the number of stored elements of a line}
   *
   * @param cell the type of a cell
   * @param cells cells of the line
   */
  public long elements(ElementType cell, long cells) {
    if (!packs(cell)) {
      return cells;
    }
    return switch (this) {
      case CELLS, BITS -> BitPacking.packedBytes(cells, cell.bits());
      case WORDS -> ceil(BitPacking.packedBytes(cells, cell.bits()), Integer.BYTES);
      case PADDED_WORDS, EVEN_ODD -> ceil(cells, period(cell));
    };
  }

  /**
   * {@return bytes of a line}
   *
   * @param cell the type of a cell
   * @param cells cells of the line
   */
  public long bytes(ElementType cell, long cells) {
    return Math.multiplyExact(elements(cell, cells), (long) type(cell).cellBytes());
  }

  /** {@return whether the stored bytes of a line differ from the bytes of its cells} */
  boolean packs(ElementType cell) {
    return inWords() || (this == BITS && cell.bits() < Byte.SIZE);
  }

  /** {@return the number of cells after which an element boundary always follows} */
  int period(ElementType cell) {
    return switch (this) {
      case CELLS -> 1;
      case BITS -> packs(cell) ? Byte.SIZE : 1;
      case WORDS -> Integer.SIZE;
      case PADDED_WORDS, EVEN_ODD -> Integer.SIZE / cell.bits();
    };
  }

  /**
   * Packs a line, if {@link #packs}.
   *
   * @param out the target, zeros up to its end
   */
  void pack(ElementType cell, byte[] cells, int from, int count, byte[] out, int to) {
    if (this == EVEN_ODD) {
      byte[] ordered = new byte[Math.toIntExact(ceil(count, LANES)) * LANES];
      // Flipped back to zero bits when packed.
      Arrays.fill(ordered, (byte) flip(cell));
      for (int i = 0; i < count; i++) {
        ordered[evenOdd(i)] = cells[from + i];
      }
      WORDS.pack(cell, ordered, 0, ordered.length, out, to);
      return;
    }
    int run = this == PADDED_WORDS ? period(cell) : count;
    for (int done = 0, at = to; done < count; done += run, at += Integer.BYTES) {
      int n = Math.min(run, count - done);
      BitPacking.pack(cells, from + done, n, cell.bits(), flip(cell), out, at);
    }
  }

  /** Unpacks a line, the inverse of {@link #pack}. */
  void unpack(ElementType cell, ByteBuffer stored, int from, int count, byte[] out, int to) {
    if (this == EVEN_ODD) {
      byte[] ordered = new byte[Math.toIntExact(ceil(count, LANES)) * LANES];
      WORDS.unpack(cell, stored, from, ordered.length, ordered, 0);
      for (int i = 0; i < count; i++) {
        out[to + i] = ordered[evenOdd(i)];
      }
      return;
    }
    int run = this == PADDED_WORDS ? period(cell) : count;
    for (int done = 0, at = from; done < count; done += run, at += Integer.BYTES) {
      int n = Math.min(run, count - done);
      BitPacking.unpack(stored, at, n, cell.bits(), flip(cell), extendsSign(cell), out, to + done);
    }
  }

  private boolean inWords() {
    return this == WORDS || this == PADDED_WORDS || this == EVEN_ODD;
  }

  /** {@return where a cell is among its eight: even positions first} */
  private static int evenOdd(int i) {
    int lane = i % LANES;
    return i - lane + lane / 2 + (lane % 2) * (LANES / 2);
  }

  /** Adding 2^(bits-1) to a code inverts its sign bit. */
  private int flip(ElementType cell) {
    return inWords() && cell.signed() ? 1 << (cell.bits() - 1) : 0;
  }

  /** Small floats are also signed, but not in two's complement. */
  private static boolean extendsSign(ElementType cell) {
    return cell.isCode() && cell.signed();
  }

  private static long ceil(long count, long each) {
    return count / each + (count % each == 0 ? 0 : 1);
  }
}
