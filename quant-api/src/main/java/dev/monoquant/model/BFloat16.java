package dev.monoquant.model;

/**
 * The bfloat16 format: 1 sign, 8 exponent and 7 fraction bits, the upper half of a float32.
 *
 * <p>Every bfloat16 is a float32, so widening is exact. Narrowing rounds to nearest, ties to even,
 * as torch does ({@code c10/util/BFloat16.h}, {@code round_to_nearest_even}); subnormals are kept,
 * values that are too large become infinite, and every NaN becomes the quiet {@code 0x7FC0}.
 */
public final class BFloat16 {

  /** The distance from 1 to the next larger bfloat16, 2 to the power of -7. */
  public static final float EPSILON = 0x1p-7f;

  /** The greatest finite bfloat16. */
  public static final float MAX_VALUE = 0x1.FEp127f;

  private BFloat16() {}

  /**
   * {@return the value of these bits, exact}
   *
   * @param bits a bfloat16
   */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * {@return the bits of the nearest bfloat16}
   *
   * @param value any float
   */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7FFF_FFFF) > 0x7F80_0000) {
      return 0x7FC0;
    }
    return (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
  }

  /**
   * {@return the nearest bfloat16, as a float}
   *
   * @param value any float
   */
  public static float round(float value) {
    return toFloat(fromFloat(value));
  }
}
