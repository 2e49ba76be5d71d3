package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.model.Float16;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A whole block of 256 numbers whose codes are vectors of a {@link Grid}, with signs, in both
 * directions. The parts are the codes, the scale of the block, d, and the scales of groups.
 *
 * <p>Fields of a few bits lie at bit addresses: bit b of byte B is 8 B + b, and a field is read
 * from its lowest bit on. v counts the vectors of a block, n numbers of 8, g groups; / and % are
 * those of integers:
 *
 * <pre>
 * IQ2_XXS  8 numbers, group 32   d 0: 16    index 16 + 64 (v/4) + 8 (v%4): 8
 *                                signs 48 + 64 (n/4) + 7 (n%4): 7    scale 76 + 64 g: 4
 * IQ2_XS   8 numbers, group 16   d 0: 16    index 16 + 16 v: 9       signs 25 + 16 n: 7
 *                                scale 528 + 4 g: 4
 * IQ2_S    8 numbers, group 16   d 0: 16    index 16 + 8 v: 8, above it 528 + 2 v: 2
 *                                signs 272 + 8 n: 8                  scale 592 + 4 g: 4
 * IQ3_XXS  4 numbers, group 32   d 0: 16    index 16 + 8 v: 8
 *                                signs 528 + 32 (n/4) + 7 (n%4): 7   scale 556 + 32 g: 4
 * IQ3_S    4 numbers, group 32   d 0: 16    index 16 + 8 v: 8, above it 528 + v: 1
 *                                signs 592 + 8 n: 8                  scale 848 + 4 g: 4
 * IQ1_S    8 numbers, group 32   d 0: 16    index 16 + 8 v: 8, above it 272 + 16 (v/4) + 3 (v%4): 3
 *                                shift 287 + 16 (n/4): 1             scale 284 + 16 g: 3
 * IQ1_M    8 numbers, group 16   d 396 + 16 i: 4, i from 0 to 3      index 8 v: 8, above it 256 + 4 v: 3
 *                                shift 259 + 4 n: 1                  scale 384 + 16 (g/4) + 3 (g%4): 3
 * </pre>
 *
 * <p>A number whose sign bit is set is negative. Where there are 7 bits for 8 numbers, the eighth
 * is set if the count of the others is odd. In IQ1, with vectors of -1, 0 and 1, a shift of 1
 * subtracts 1/8 from each number, and one of 0 adds it; the codes here are eighths, 8 vector + 1 or
 * - 1. The scale of a group is (2 scale + 1) / 8, / 4 in IQ3_XXS, and / 1 in IQ3_S: a float16 holds
 * it.
 *
 * <p>Every bit is in one field, so any block is read, and written again as it was. Codes that are
 * no vectors of the grid are refused when they are written.
 *
 * <p>Source: {@code ggml/src/ggml-common.h} and {@code ggml-quants.c} at commit d99724f.
 *
 * @param type the type of the blocks
 * @param grid the vectors
 * @param group the numbers that share a scale
 * @param divisor what 2 scale + 1 is divided by
 * @param whole four pieces of the scale of the block
 * @param low the lower bits of the index of each vector
 * @param high the upper bits of the index; of no width if there are none
 * @param signs the signs of each 8 numbers; of no width in IQ1
 * @param shift the shift of each 8 numbers; of a width in IQ1 alone
 * @param scale the scale of each group
 */
record VectorField(
    GgmlType type,
    Grid grid,
    int group,
    int divisor,
    Bits whole,
    Bits low,
    Bits high,
    Bits signs,
    Bits shift,
    Bits scale)
    implements BlockField {

  private static final int NUMBERS = 256;
  private static final int CODES = 0;
  private static final int SUPER = 1;
  private static final int SCALE = 2;

  /** Numbers that share a byte of signs, or a shift. */
  private static final int OCTET = 8;

  private static final int PIECES = 4;

  private static final Bits NONE = new Bits(0, 1, 0, 0, 0);
  private static final Bits FIRST = new Bits(0, 1, 4, 0, 4);

  /** The forms of all types, in the order of the class comment. */
  static final List<VectorField> ALL =
      List.of(
          new VectorField(
              GgmlType.IQ2_XXS,
              Grid.IQ2_XXS,
              32,
              8,
              FIRST,
              new Bits(16, 4, 64, 8, 8),
              NONE,
              new Bits(48, 4, 64, 7, 7),
              NONE,
              new Bits(76, 1, 64, 0, 4)),
          new VectorField(
              GgmlType.IQ2_XS,
              Grid.IQ2_XS,
              16,
              8,
              FIRST,
              new Bits(16, 1, 16, 0, 9),
              NONE,
              new Bits(25, 1, 16, 0, 7),
              NONE,
              new Bits(528, 1, 4, 0, 4)),
          new VectorField(
              GgmlType.IQ2_S,
              Grid.IQ2_S,
              16,
              8,
              FIRST,
              new Bits(16, 1, 8, 0, 8),
              new Bits(528, 1, 2, 0, 2),
              new Bits(272, 1, 8, 0, 8),
              NONE,
              new Bits(592, 1, 4, 0, 4)),
          new VectorField(
              GgmlType.IQ3_XXS,
              Grid.IQ3_XXS,
              32,
              4,
              FIRST,
              new Bits(16, 1, 8, 0, 8),
              NONE,
              new Bits(528, 4, 32, 7, 7),
              NONE,
              new Bits(556, 1, 32, 0, 4)),
          new VectorField(
              GgmlType.IQ3_S,
              Grid.IQ3_S,
              32,
              1,
              FIRST,
              new Bits(16, 1, 8, 0, 8),
              new Bits(528, 1, 1, 0, 1),
              new Bits(592, 1, 8, 0, 8),
              NONE,
              new Bits(848, 1, 4, 0, 4)),
          new VectorField(
              GgmlType.IQ1_S,
              Grid.IQ1,
              32,
              8,
              FIRST,
              new Bits(16, 1, 8, 0, 8),
              new Bits(272, 4, 16, 3, 3),
              NONE,
              new Bits(287, 4, 16, 0, 1),
              new Bits(284, 1, 16, 0, 3)),
          new VectorField(
              GgmlType.IQ1_M,
              Grid.IQ1,
              16,
              8,
              new Bits(396, 1, 16, 0, 4),
              new Bits(0, 1, 8, 0, 8),
              new Bits(256, 1, 4, 0, 3),
              NONE,
              new Bits(259, 1, 4, 0, 1),
              new Bits(384, 4, 16, 3, 3)));

  /**
   * Fields of one kind: field i has its lowest bit at {@code first + outer * (i / count) + inner *
   * (i % count)}.
   *
   * @param first the bit address of the first field
   * @param count fields that follow each other at the inner distance
   * @param outer bits from one such run to the next
   * @param inner bits from a field of a run to the next
   * @param width bits of a field; 0 if the type has no such fields
   */
  record Bits(int first, int count, int outer, int inner, int width) {

    int read(ByteBuffer in, int start, int i) {
      int at = first + outer * (i / count) + inner * (i % count);
      int value = 0;
      for (int got = 0; got < width; ) {
        int bit = (at + got) % Byte.SIZE;
        int taken = Math.min(width - got, Byte.SIZE - bit);
        int piece = in.get(start + (at + got) / Byte.SIZE) >> bit & (1 << taken) - 1;
        value |= piece << got;
        got += taken;
      }
      return value;
    }

    /** Adds a value to zeros. */
    void write(ByteBuffer out, int start, int i, int value) {
      int at = first + outer * (i / count) + inner * (i % count);
      for (int put = 0; put < width; ) {
        int bit = (at + put) % Byte.SIZE;
        int taken = Math.min(width - put, Byte.SIZE - bit);
        int byteAt = start + (at + put) / Byte.SIZE;
        int piece = (value >> put & (1 << taken) - 1) << bit;
        out.put(byteAt, (byte) (out.get(byteAt) | piece));
        put += taken;
      }
    }
  }

  private boolean isShifted() {
    return shift.width() > 0;
  }

  /** {@return the greatest code; the least one is its negative} */
  int greatest() {
    return isShifted() ? OCTET + 1 : grid.greatest();
  }

  @Override
  public int bytes() {
    return type.bytes();
  }

  @Override
  public void read(ByteBuffer in, byte[][] cells, int block) {
    int start = in.position();
    byte[] codes = cells[CODES];
    int at = block * NUMBERS;
    for (int v = 0; v < NUMBERS / grid.length(); v++) {
      int index = low.read(in, start, v) | high.read(in, start, v) << low.width();
      grid.get(index, codes, at + v * grid.length());
    }
    for (int n = 0; n < NUMBERS / OCTET; n++) {
      if (isShifted()) {
        shift(codes, at + n * OCTET, shift.read(in, start, n) == 0 ? 1 : -1);
      } else {
        negate(codes, at + n * OCTET, eighth(signs.read(in, start, n)));
      }
    }
    int d = 0;
    for (int i = 0; i < PIECES; i++) {
      d |= whole.read(in, start, i) << (i * whole.width());
    }
    putShort(cells[SUPER], block, d);
    int groups = NUMBERS / group;
    for (int g = 0; g < groups; g++) {
      float value = (float) (2 * scale.read(in, start, g) + 1) / divisor;
      putShort(cells[SCALE], block * groups + g, Float16.fromFloat(value));
    }
    in.position(start + bytes());
  }

  @Override
  public void write(ByteBuffer out, byte[][] cells, int block) {
    int start = out.position();
    out.put(new byte[bytes()]);
    int at = block * NUMBERS;
    byte[] codes = new byte[NUMBERS];
    System.arraycopy(cells[CODES], at, codes, 0, NUMBERS);
    for (int n = 0; n < NUMBERS / OCTET; n++) {
      if (isShifted()) {
        int added = added(codes, n * OCTET);
        shift.write(out, start, n, added == 1 ? 0 : 1);
      } else {
        int bits = negative(codes, n * OCTET);
        signs.write(out, start, n, bits);
        negate(codes, n * OCTET, bits);
        require(eighth(bits & (1 << signs.width()) - 1) == bits, codes, n * OCTET);
      }
    }
    for (int v = 0; v < NUMBERS / grid.length(); v++) {
      int index = grid.find(codes, v * grid.length());
      require(index >= 0, codes, v * grid.length());
      low.write(out, start, v, index);
      high.write(out, start, v, index >> low.width());
    }
    int d = getShort(cells[SUPER], block);
    for (int i = 0; i < PIECES; i++) {
      whole.write(out, start, i, d >> (i * whole.width()));
    }
    int groups = NUMBERS / group;
    for (int g = 0; g < groups; g++) {
      float value = Float16.toFloat((short) getShort(cells[SCALE], block * groups + g)) * divisor;
      int stored = ((int) value - 1) / 2;
      if (value != 2 * stored + 1 || stored < 0 || stored >= 1 << scale.width()) {
        throw new IllegalArgumentException(
            "the scale " + value / divisor + " of a group is none of " + type);
      }
      scale.write(out, start, g, stored);
    }
  }

  private void require(boolean is, byte[] codes, int at) {
    if (!is) {
      throw new IllegalArgumentException(
          "the codes from " + codes[at] + " on are no vector of " + type);
    }
  }

  /** The signs of 8 numbers by their bits: of 7 bits, the eighth makes their count even. */
  private int eighth(int bits) {
    return signs.width() == OCTET ? bits : bits | (Integer.bitCount(bits) & 1) << (OCTET - 1);
  }

  private static void negate(byte[] codes, int at, int bits) {
    for (int i = 0; i < OCTET; i++) {
      if ((bits >> i & 1) != 0) {
        codes[at + i] = (byte) -codes[at + i];
      }
    }
  }

  private static int negative(byte[] codes, int at) {
    int bits = 0;
    for (int i = 0; i < OCTET; i++) {
      bits |= codes[at + i] < 0 ? 1 << i : 0;
    }
    return bits;
  }

  private static void shift(byte[] codes, int at, int added) {
    for (int i = at; i < at + OCTET; i++) {
      codes[i] = (byte) (OCTET * codes[i] + added);
    }
  }

  /** Takes the shift of 8 codes away, and returns it. */
  private int added(byte[] codes, int at) {
    int added = (codes[at] & OCTET - 1) == 1 ? 1 : -1;
    for (int i = at; i < at + OCTET; i++) {
      require((codes[i] - added) % OCTET == 0, codes, i);
      codes[i] = (byte) ((codes[i] - added) / OCTET);
    }
    return added;
  }

  private static void putShort(byte[] cells, int index, int value) {
    cells[index * Short.BYTES] = (byte) value;
    cells[index * Short.BYTES + 1] = (byte) (value >> Byte.SIZE);
  }

  private static int getShort(byte[] cells, int index) {
    return (cells[index * Short.BYTES] & 0xff)
        | (cells[index * Short.BYTES + 1] & 0xff) << Byte.SIZE;
  }
}
