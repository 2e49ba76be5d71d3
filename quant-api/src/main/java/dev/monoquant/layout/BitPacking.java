package dev.monoquant.layout;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Packs codes of 1 to 8 bits, one byte each, into a dense bit stream and back: element i of a row
 * starts at bit {@code i * bits} of the row's little-endian bytes, least significant bit first, and
 * may cross bytes. Little-endian 32-bit words filled from their lowest bit have the same layout.
 *
 * <p>Eight codes are processed at once: three merges fold eight bytes of b bits into b bytes.
 */
final class BitPacking {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long EACH_BYTE = 0x0101010101010101L;

  private BitPacking() {}

  /**
   * {@return bytes that hold a number of codes, rounded up}
   *
   * @param count codes
   * @param bits bits of one code
   */
  static long packedBytes(long count, int bits) {
    long all = Math.multiplyExact(count, (long) bits);
    return all / 8 + (all % 8 == 0 ? 0 : 1);
  }

  /**
   * Packs a row.
   *
   * @param codes a byte each; bits above {@code bits} are dropped
   * @param from the first code
   * @param count codes to pack
   * @param bits bits of one code, 1 to 8
   * @param flip bits to invert in each code: 0, or the sign bit to store signed codes with an
   *     offset
   * @param out the target; {@code packedBytes(count, bits)} bytes are written, with zeros in the
   *     rest of the last byte; up to 7 bytes after them may also be set to zero, so pack rows in
   *     ascending order
   * @param to the first byte
   */
  static void pack(byte[] codes, int from, int count, int bits, int flip, byte[] out, int to) {
    long mask = (0xffL >>> (8 - bits)) * EACH_BYTE;
    long inverted = (flip & 0xffL) * EACH_BYTE;
    int at = to;
    int i = 0;
    for (; i + 8 <= count && at + 8 <= out.length; i += 8, at += bits) {
      LONGS.set(out, at, fold(((long) LONGS.get(codes, from + i) ^ inverted) & mask, bits));
    }
    for (; i < count; i += 8) {
      int n = Math.min(8, count - i);
      long lanes = 0;
      for (int k = 0; k < n; k++) {
        lanes |= ((codes[from + i + k] ^ flip) & (mask & 0xff)) << (8 * k);
      }
      long folded = fold(lanes, bits);
      int bytes = (n * bits + 7) / 8;
      for (int k = 0; k < bytes; k++) {
        out[at++] = (byte) (folded >>> (8 * k));
      }
    }
  }

  /**
   * Unpacks a row.
   *
   * @param packed the bytes; read from index {@code from}, position and limit are ignored
   * @param from the first byte
   * @param count codes to unpack
   * @param bits bits of one code, 1 to 8
   * @param flip bits to invert in each code before its sign is extended
   * @param signed whether the upper bits of a code repeat its highest bit
   * @param out the target, one byte per code
   * @param to the first code
   */
  static void unpack(
      ByteBuffer packed,
      int from,
      int count,
      int bits,
      int flip,
      boolean signed,
      byte[] out,
      int to) {
    ByteBuffer source = packed.order() == ByteOrder.LITTLE_ENDIAN ? packed : little(packed);
    long inverted = (flip & 0xffL) * EACH_BYTE;
    long sign = signed && bits < 8 ? (1L << (bits - 1)) * EACH_BYTE : 0;
    int at = from;
    int i = 0;
    for (; i + 8 <= count && at + 8 <= source.limit(); i += 8, at += bits) {
      LONGS.set(out, to + i, extend(unfold(source.getLong(at), bits) ^ inverted, sign));
    }
    for (; i < count; i += 8) {
      int n = Math.min(8, count - i);
      int bytes = (n * bits + 7) / 8;
      long folded = 0;
      for (int k = 0; k < bytes; k++) {
        folded |= (source.get(at++) & 0xffL) << (8 * k);
      }
      long lanes = extend(unfold(folded, bits) ^ inverted, sign);
      for (int k = 0; k < n; k++) {
        out[to + i + k] = (byte) (lanes >>> (8 * k));
      }
    }
  }

  private static ByteBuffer little(ByteBuffer buffer) {
    return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long fold(long lanes, int bits) {
    long x = lanes;
    x = (x & 0x00ff00ff00ff00ffL) | ((x & 0xff00ff00ff00ff00L) >>> (8 - bits));
    x = (x & 0x0000ffff0000ffffL) | ((x & 0xffff0000ffff0000L) >>> (16 - 2 * bits));
    return (x & 0x00000000ffffffffL) | ((x & 0xffffffff00000000L) >>> (32 - 4 * bits));
  }

  private static long unfold(long folded, int bits) {
    if (bits == 8) {
      return folded;
    }
    long mask4 = (1L << (4 * bits)) - 1;
    long x = folded;
    x = (x & mask4) | (((x >>> (4 * bits)) & mask4) << 32);
    long mask2 = ((1L << (2 * bits)) - 1) * 0x0000000100000001L;
    x = (x & mask2) | (((x >>> (2 * bits)) & mask2) << 16);
    long mask1 = ((1L << bits) - 1) * 0x0001000100010001L;
    return (x & mask1) | (((x >>> bits) & mask1) << 8);
  }

  /**
   * Bytewise {@code (v ^ sign) - sign}; the high bit of each byte prevents a borrow between bytes.
   */
  private static long extend(long lanes, long sign) {
    if (sign == 0) {
      return lanes;
    }
    long high = 0x8080808080808080L;
    return (((lanes ^ sign) | high) - sign) ^ high;
  }
}
