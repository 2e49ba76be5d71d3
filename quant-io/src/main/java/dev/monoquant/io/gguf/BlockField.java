package dev.monoquant.io.gguf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One run of bytes in a block of ggml, in both directions. Cells are unsigned while fields are read
 * and written; {@link BlockForm} subtracts and adds the offsets of signed codes.
 *
 * <p>Several fields may hold bits of the same cells: reading adds the bits of a field to them.
 */
sealed interface BlockField
    permits BlockField.Bytes,
        BlockField.Plane,
        BlockField.Nibbles,
        BlockField.SixBits,
        BlockField.Trits,
        VectorField {

  /** {@return the bytes of the field} */
  int bytes();

  /**
   * Reads the field of one block.
   *
   * @param in its position is at the field, and moves behind it
   * @param cells the cells of each part
   * @param block the index of the block in these cells
   */
  void read(ByteBuffer in, byte[][] cells, int block);

  /**
   * Writes the field of one block; the reverse of {@link #read}.
   *
   * @param out its position is at the field, and moves behind it
   * @param cells the cells of each part
   * @param block the index of the block in these cells
   */
  void write(ByteBuffer out, byte[][] cells, int block);

  /**
   * Writes the field of blocks that lie side by side.
   *
   * @param out receives the bytes; its position may move
   * @param at the offset of the field of the first block
   * @param stride the bytes of a block, from one field to the next
   * @param cells the cells of each part, of these blocks
   * @param count how many blocks
   */
  default void writeAll(ByteBuffer out, int at, int stride, byte[][] cells, int count) {
    for (int block = 0; block < count; block++) {
      write(out.position(at + block * stride), cells, block);
    }
  }

  /**
   * Bytes as they are, such as scales in float16.
   *
   * @param part the index of the part
   * @param bytes its bytes in a block
   * @param negated whether the sign of each float16 is reversed: the field is added in ggml, and a
   *     minimum is subtracted
   */
  record Bytes(int part, int bytes, boolean negated) implements BlockField {

    Bytes(int part, int bytes) {
      this(part, bytes, false);
    }

    @Override
    public void read(ByteBuffer in, byte[][] cells, int block) {
      in.get(cells[part], block * bytes, bytes);
      negate(cells[part], block * bytes);
    }

    @Override
    public void write(ByteBuffer out, byte[][] cells, int block) {
      int start = out.position();
      out.put(cells[part], block * bytes, bytes);
      if (negated) {
        for (int i = start + 1; i < start + bytes; i += Short.BYTES) {
          out.put(i, (byte) (out.get(i) ^ 0x80));
        }
      }
    }

    @Override
    public void writeAll(ByteBuffer out, int at, int stride, byte[][] cells, int count) {
      if (negated || !out.hasArray()) {
        BlockField.super.writeAll(out, at, stride, cells, count);
        return;
      }
      byte[] own = cells[part];
      byte[] to = out.array();
      int first = out.arrayOffset() + at;
      for (int block = 0; block < count; block++) {
        System.arraycopy(own, block * bytes, to, first + block * stride, bytes);
      }
    }

    private void negate(byte[] bytesOfPart, int from) {
      if (negated) {
        for (int i = from + 1; i < from + bytes; i += Short.BYTES) {
          bytesOfPart[i] ^= (byte) 0x80;
        }
      }
    }
  }

  /**
   * Numbers of a few bits in planes: chunks of {@code run} bytes, in which number {@code s * run +
   * j} is at bit {@code s * bits} of byte j.
   *
   * <pre>
   * bits 4, run 16   byte 0: numbers 16 | 0    byte 1: numbers 17 | 1  ...  byte 15: numbers 31 | 15
   * bits 4, run 1    byte 0: numbers  1 | 0    byte 1: numbers  3 | 2  ...
   * </pre>
   *
   * <p>Eight bytes of a run at a time are shifted as one number of 64 bits, and the bits that come
   * from a neighbour are masked; shorter runs are read and written byte by byte.
   *
   * @param part the index of the part
   * @param numbers its cells in a block
   * @param bits bits of a number in this field
   * @param run bytes of a chunk
   * @param shift the bit of the cell where these bits begin
   */
  record Plane(int part, int numbers, int bits, int run, int shift) implements BlockField {

    private static final VarHandle LONGS =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long EACH_BYTE = 0x0101_0101_0101_0101L;

    @Override
    public int bytes() {
      return numbers * bits / Byte.SIZE;
    }

    @Override
    public void read(ByteBuffer in, byte[][] cells, int block) {
      byte[] own = cells[part];
      int at = block * numbers;
      int start = in.position();
      for (int chunk = start; chunk < start + bytes(); chunk += run) {
        for (int low = 0; low < Byte.SIZE; low += bits) {
          if (isShort()) {
            readBytes(in, chunk, low, own, at);
          } else {
            readRun(in, chunk, low, own, at);
          }
          at += run;
        }
      }
      in.position(start + bytes());
    }

    private boolean isShort() {
      return run % Long.BYTES != 0;
    }

    private void readBytes(ByteBuffer in, int chunk, int low, byte[] own, int at) {
      int mask = (1 << bits) - 1;
      for (int j = 0; j < run; j++) {
        own[at + j] |= (byte) ((in.get(chunk + j) >> low & mask) << shift);
      }
    }

    private void readRun(ByteBuffer in, int chunk, int low, byte[] own, int at) {
      long mask = EACH_BYTE * ((1 << bits) - 1);
      for (int j = 0; j < run; j += Long.BYTES) {
        long eight = in.getLong(chunk + j);
        long packed = in.order() == ByteOrder.LITTLE_ENDIAN ? eight : Long.reverseBytes(eight);
        long before = (long) LONGS.get(own, at + j);
        LONGS.set(own, at + j, before | (packed >>> low & mask) << shift);
      }
    }

    @Override
    public void write(ByteBuffer out, byte[][] cells, int block) {
      byte[] own = cells[part];
      int at = block * numbers;
      int start = out.position();
      int step = isShort() ? 1 : Long.BYTES;
      for (int chunk = start; chunk < start + bytes(); chunk += run) {
        for (int j = 0; j < run; j += step) {
          if (isShort()) {
            out.put(chunk + j, packed(own, at + j));
          } else {
            long eight = packedRuns(own, at + j);
            boolean ordered = out.order() == ByteOrder.LITTLE_ENDIAN;
            out.putLong(chunk + j, ordered ? eight : Long.reverseBytes(eight));
          }
        }
        at += run * Byte.SIZE / bits;
      }
      out.position(start + bytes());
    }

    @Override
    public void writeAll(ByteBuffer out, int at, int stride, byte[][] cells, int count) {
      if (isShort() || !out.hasArray()) {
        BlockField.super.writeAll(out, at, stride, cells, count);
        return;
      }
      byte[] own = cells[part];
      byte[] to = out.array();
      int bytes = bytes();
      int from = 0;
      for (int block = 0; block < count; block++) {
        int start = out.arrayOffset() + at + block * stride;
        for (int chunk = start; chunk < start + bytes; chunk += run) {
          from =
              bits == Byte.SIZE / 2
                  ? writeHalves(own, from, to, chunk)
                  : writeRun(own, from, to, chunk);
        }
      }
    }

    /** Two numbers in a byte, as most types have them. Returns where the next chunk begins. */
    private int writeHalves(byte[] own, int from, byte[] to, int chunk) {
      long mask = 0x0F0F_0F0F_0F0F_0F0FL;
      for (int j = 0; j < run; j += Long.BYTES) {
        long low = (long) LONGS.get(own, from + j) >>> shift & mask;
        long high = (long) LONGS.get(own, from + run + j) >>> shift & mask;
        LONGS.set(to, chunk + j, low | high << 4);
      }
      return from + 2 * run;
    }

    private int writeRun(byte[] own, int from, byte[] to, int chunk) {
      for (int j = 0; j < run; j += Long.BYTES) {
        LONGS.set(to, chunk + j, packedRuns(own, from + j));
      }
      return from + run * Byte.SIZE / bits;
    }

    private byte packed(byte[] own, int at) {
      int packed = 0;
      for (int low = 0, i = at; low < Byte.SIZE; low += bits, i += run) {
        packed |= (own[i] >> shift & (1 << bits) - 1) << low;
      }
      return (byte) packed;
    }

    private long packedRuns(byte[] own, int at) {
      long mask = EACH_BYTE * ((1 << bits) - 1);
      long packed = 0;
      for (int low = 0, i = at; low < Byte.SIZE; low += bits, i += run) {
        packed |= ((long) LONGS.get(own, i) >>> shift & mask) << low;
      }
      return packed;
    }
  }

  /**
   * 16 bytes with a scale of 4 bits in the lower half and a minimum in the upper half.
   *
   * @param scale the index of the part of the scales
   * @param minimum the index of the part of the minimums
   */
  record Nibbles(int scale, int minimum) implements BlockField {

    private static final int COUNT = 16;

    @Override
    public int bytes() {
      return COUNT;
    }

    @Override
    public void read(ByteBuffer in, byte[][] cells, int block) {
      for (int i = block * COUNT; i < block * COUNT + COUNT; i++) {
        byte both = in.get();
        cells[scale][i] = (byte) (both & 15);
        cells[minimum][i] = (byte) (both >> 4 & 15);
      }
    }

    @Override
    public void write(ByteBuffer out, byte[][] cells, int block) {
      for (int i = block * COUNT; i < block * COUNT + COUNT; i++) {
        out.put((byte) (cells[scale][i] | cells[minimum][i] << 4));
      }
    }
  }

  /**
   * Eight scales and eight minimums of 6 bits in 12 bytes, j from 0 to 3:
   *
   * <pre>
   * byte j        bits 0 to 5: scale j        bits 6, 7: bits 4, 5 of scale j + 4
   * byte 4 + j    bits 0 to 5: minimum j      bits 6, 7: bits 4, 5 of minimum j + 4
   * byte 8 + j    bits 0 to 3: bits 0 to 3 of scale j + 4    bits 4 to 7: those of minimum j + 4
   * </pre>
   *
   * @param scale the index of the part of the scales
   * @param minimum the index of the part of the minimums
   */
  record SixBits(int scale, int minimum) implements BlockField {

    private static final int HALF = 4;
    private static final int COUNT = 8;

    @Override
    public int bytes() {
      return 3 * HALF;
    }

    @Override
    public void read(ByteBuffer in, byte[][] cells, int block) {
      int start = in.position();
      for (int j = 0; j < HALF; j++) {
        int at = block * COUNT + j;
        int scales = in.get(start + j) & 0xff;
        int minimums = in.get(start + HALF + j) & 0xff;
        int low = in.get(start + 2 * HALF + j) & 0xff;
        cells[scale][at] = (byte) (scales & 63);
        cells[minimum][at] = (byte) (minimums & 63);
        cells[scale][at + HALF] = (byte) ((low & 15) | scales >> 6 << 4);
        cells[minimum][at + HALF] = (byte) (low >> 4 | minimums >> 6 << 4);
      }
      in.position(start + bytes());
    }

    @Override
    public void write(ByteBuffer out, byte[][] cells, int block) {
      int start = out.position();
      for (int j = 0; j < HALF; j++) {
        int at = block * COUNT + j;
        int highScale = cells[scale][at + HALF];
        int highMinimum = cells[minimum][at + HALF];
        out.put(start + j, (byte) (cells[scale][at] | highScale >> 4 << 6));
        out.put(start + HALF + j, (byte) (cells[minimum][at] | highMinimum >> 4 << 6));
        out.put(start + 2 * HALF + j, (byte) ((highScale & 15) | (highMinimum & 15) << 4));
      }
      out.position(start + bytes());
    }
  }

  /**
   * Numbers of three values, up to five in a byte, in blocks of 256. Byte j of the field has the
   * numbers {@code first + s * run + j}, s from 0 on. Their digits, the first one the greatest, are
   * a number v of five digits to the base 3, with zeros behind; the byte is ceil(256 v / 243), so
   * that each digit comes out by multiplications:
   *
   * <pre>
   * q = byte    digit s = 3 (q 3^s mod 256) / 256, without the remainder
   * </pre>
   *
   * <p>13 of 256 bytes are no such number, and 175 if there are four digits. They are read by the
   * same formula, as ggml reads them; the byte that is written for these digits is another one.
   *
   * @param part the index of the part
   * @param first the first number in the block
   * @param run bytes of the field
   * @param digits numbers in a byte, 4 or 5
   */
  record Trits(int part, int first, int run, int digits) implements BlockField {

    private static final int NUMBERS = 256;
    private static final int ALL_DIGITS = 5;
    private static final int CODES = 243;

    @Override
    public int bytes() {
      return run;
    }

    @Override
    public void read(ByteBuffer in, byte[][] cells, int block) {
      int at = block * NUMBERS + first;
      for (int j = 0; j < run; j++) {
        int rest = in.get() & 0xff;
        for (int s = 0; s < digits; s++) {
          cells[part][at + s * run + j] = (byte) ((3 * rest) >> Byte.SIZE);
          rest = 3 * rest & 0xff;
        }
      }
    }

    @Override
    public void write(ByteBuffer out, byte[][] cells, int block) {
      int at = block * NUMBERS + first;
      for (int j = 0; j < run; j++) {
        int value = 0;
        for (int s = 0; s < ALL_DIGITS; s++) {
          int digit = s < digits ? cells[part][at + s * run + j] : 0;
          if (digit < 0 || digit > 2) {
            throw new IllegalArgumentException("the code " + digit + " is none of 0, 1 and 2");
          }
          value = 3 * value + digit;
        }
        out.put((byte) ((value * NUMBERS + CODES - 1) / CODES));
      }
    }
  }
}
