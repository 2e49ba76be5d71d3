package dev.monoquant.model;

/**
 * The IEEE 754 binary16 format: 1 sign, 5 exponent and 10 fraction bits.
 *
 * <p>Every float16 is a float32, so widening is exact. Narrowing rounds to nearest, ties to even,
 * as torch and the hardware do; subnormals are kept, values of 65520 or more become infinite, and
 * every NaN becomes the quiet {@code 0x7E00} with its sign.
 */
public final class Float16 {

  /** The distance from 1 to the next larger float16, 2 to the power of -10. */
  public static final float EPSILON = 0x1p-10f;

  /** The greatest finite float16, 65504. */
  public static final float MAX_VALUE = 65504f;

  /** The least positive normal float16. */
  public static final float MIN_NORMAL = 0x1p-14f;

  private Float16() {}

  /**
   * {@return the value of these bits, exact}
   *
   * @param bits a float16
   */
  public static float toFloat(short bits) {
    int magnitude = bits & 0x7FFF;
    // Fraction and exponent at their float32 positions, the exponent still with the bias of
    // float16: a product with 2^112 corrects the bias and normalises subnormals. Infinity and NaN
    // then have exponent 143 and get all exponent bits instead.
    float biased = Float.intBitsToFloat(magnitude << 13) * 0x1p112f;
    int special = (0x7BFF - magnitude) >> 31 & 0x7F80_0000;
    return Float.intBitsToFloat(Float.floatToRawIntBits(biased) | special | (bits & 0x8000) << 16);
  }

  /**
   * {@return the bits of the nearest float16}
   *
   * @param value any float
   */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7FFF_FFFF;
    if (magnitude < 0x3880_0000) {
      // Below the smallest normal value: near 0.5 the step of float32 equals the step of float16's
      // subnormals.
      float beside = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(beside) - 0x3F00_0000));
    }
    if (magnitude >= 0x4780_0000) {
      return (short) (sign | (magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00));
    }
    return (short) (sign | (magnitude - 0x3800_0000 + 0xFFF + (magnitude >>> 13 & 1)) >>> 13);
  }

  /**
   * {@return the nearest float16, as a float}
   *
   * @param value any float
   */
  public static float round(float value) {
    return toFloat(fromFloat(value));
  }
}
