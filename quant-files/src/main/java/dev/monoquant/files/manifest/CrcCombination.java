package dev.monoquant.files.manifest;

/**
 * The CRC-32 or CRC-32C of two byte sequences in a row, from that of each.
 *
 * <p>A CRC is the remainder of a polynomial over GF(2) modulo {@code P} of degree 32; the highest
 * bit of an int is the coefficient of x^0. Appending n bytes multiplies by x^(8n), so that {@code
 * crc(ab) = crc(a) x^(8 |b|) + crc(b) mod P}: initial value and final complement cancel out. The
 * power takes at most 64 squarings, whatever the length.
 */
final class CrcCombination {

  /** P of CRC-32 as in zip (IEEE 802.3), without its highest coefficient. */
  private static final int POLYNOMIAL = 0xEDB88320;

  /** P of CRC-32C (Castagnoli), without its highest coefficient. */
  private static final int CASTAGNOLI = 0x82F63B78;

  private static final int ONE = 1 << 31;

  private CrcCombination() {}

  /**
   * {@return the CRC-32 of both}
   *
   * @param first the CRC-32 of the first bytes
   * @param second the CRC-32 of the following bytes
   * @param length the number of the following bytes
   */
  static long of(long first, long second, long length) {
    return of(POLYNOMIAL, first, second, length);
  }

  /**
   * {@return the CRC-32C of both}
   *
   * @param first the CRC-32C of the first bytes
   * @param second the CRC-32C of the following bytes
   * @param length the number of the following bytes
   */
  static long ofCrc32c(long first, long second, long length) {
    return of(CASTAGNOLI, first, second, length);
  }

  private static long of(int polynomial, long first, long second, long length) {
    int power = ONE;
    int square = ONE >>> 8;
    for (long n = length; n != 0; n >>>= 1) {
      if ((n & 1) != 0) {
        power = times(polynomial, power, square);
      }
      square = times(polynomial, square, square);
    }
    return Integer.toUnsignedLong(times(polynomial, power, (int) first) ^ (int) second);
  }

  private static int times(int polynomial, int a, int b) {
    int product = 0;
    int shifted = b;
    for (int bit = ONE; bit != 0; bit >>>= 1) {
      if ((a & bit) != 0) {
        product ^= shifted;
      }
      shifted = (shifted & 1) == 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
    }
    return product;
  }
}
