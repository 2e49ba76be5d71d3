package dev.monoquant.schemes;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;

/**
 * Encodes quotients as floats of 4 or 8 bits, in loops that the JIT compiler of JDK 17 vectorizes;
 * {@link AffineKernels} says what that takes.
 *
 * <p>A format has p digits (the implied one included) down to its least normal value L, and below
 * that the step of L. A magnitude m is rounded to nearest, ties to even, in floats only:
 *
 * <pre>
 *   u = max(L, the power of two at or below m)         the unit: its step is u * 2^(1 - p)
 *   c = 1.5 * 2^(24 - p) * u                           its last digit is worth that step
 *   r = (m + c) - c
 * </pre>
 *
 * <p>The power of two is {@code q - q * (1 - 2^-24)} with {@code q = m * (2^23 + 1)} (Rump, Ogita
 * and Oishi, "Accurate floating-point summation I", 2008, algorithm 3.5): exact for every normal m,
 * and never above m's own where m is subnormal. A test compares every float of several binades with
 * {@link ElementType#encode}.
 *
 * <p>The codes of 8 bits are the bits of {@code r} moved down to the exponents of the format, where
 * the subnormal values of both coincide: {@code r * 2^(bias - 127)}. A value of E2M1 is a multiple
 * of 1/2 and at most 6, so that a table of 13 entries has its code.
 */
enum FloatCode {
  /** 4 digits down to 2^-6; at most 448. */
  E4M3(ElementType.FLOAT8_E4M3, 4, -6),
  /** 3 digits down to 2^-14; at most 57344. */
  E5M2(ElementType.FLOAT8_E5M2, 3, -14),
  /** 2 digits down to 1; at most 6. */
  E2M1(ElementType.FLOAT4, 2, 0);

  /** The last digit of sums with it is worth 1/2. */
  private static final float HALVES = 0x1.8p22f;

  private static final byte[] CODES_OF_HALVES = {0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 7, 0, 0, 0};

  private final ElementType type;
  private final int digits;
  private final int minExponent;

  FloatCode(ElementType type, int digits, int minExponent) {
    this.type = type;
    this.digits = digits;
    this.minExponent = minExponent;
  }

  /** The type of the codes. */
  ElementType type() {
    return type;
  }

  /** Half the distance between values at a magnitude that is not 0. */
  double halfStep(double magnitude) {
    return Math.scalb(1.0, Math.max(minExponent, Math.getExponent(magnitude)) - digits);
  }

  /** The largest value. */
  float max() {
    return type.maxValue();
  }

  /** Half the distance between the two largest values: the largest error of a rounding. */
  double halfStep() {
    return halfStep(max());
  }

  /**
   * Encodes quotients. Beyond the largest value they become that value.
   *
   * <p>A negative quotient that is rounded to zero keeps its sign, as does a zero of 8 bits; a
   * negative zero of 4 bits becomes +0.
   *
   * @param signed numbers with the signs of the codes
   * @param quotients the quotients; overwritten
   * @param count how many
   * @param codes receives the codes
   * @param at index of the first code
   */
  void encode(float[] signed, float[] quotients, int count, byte[] codes, int at) {
    if (this == E2M1) {
      roundMagnitudes(quotients, count, digits, least(), max(), 1, HALVES);
      for (int i = 0; i < count; i++) {
        // Adding zero makes -0 positive.
        int sign = Float.floatToRawIntBits(signed[i] + 0f) >>> 28 & 8;
        int halves = Float.floatToRawIntBits(quotients[i]) & 15;
        codes[at + i] = (byte) (sign | CODES_OF_HALVES[halves]);
      }
      return;
    }
    Kernels kernels = BoundKernels.current();
    if (kernels != BoundKernels.JVM) {
      kernels.narrowFloat8(type, signed, quotients, count, codes, at);
      return;
    }
    float down = Math.scalb(1f, -126 - minExponent);
    roundMagnitudes(quotients, count, digits, least(), max(), down, 0);
    codes(signed, quotients, count, codes, at);
  }

  /**
   * Encodes quotients of at most 23 digits as {@link #encode} does, in fewer operations: m * 2^(24
   * - p) is exact, its last digit is 0 and worth the step of m, and it is not below 2^(24 - p) * L.
   * Where the sum reaches the next binade, m is next to a power of two and becomes that. 8 bits
   * only.
   */
  void encodeShort(float[] signed, float[] quotients, int count, byte[] codes, int at) {
    Kernels kernels = BoundKernels.current();
    if (kernels != BoundKernels.JVM) {
      kernels.narrowFloat8(type, signed, quotients, count, codes, at);
      return;
    }
    float down = Math.scalb(1f, -126 - minExponent);
    float shift = Math.scalb(1f, 24 - digits);
    float least = least() * shift;
    float max = max();
    for (int i = 0; i < count; i++) {
      float m = Math.abs(quotients[i]);
      float c = Math.max(m * shift, least);
      quotients[i] = Math.min((m + c) - c, max) * down;
    }
    codes(signed, quotients, count, codes, at);
  }

  private void codes(float[] signed, float[] quotients, int count, byte[] codes, int at) {
    int fraction = 24 - digits;
    for (int i = 0; i < count; i++) {
      int sign = Float.floatToRawIntBits(signed[i]) >>> 24 & 0x80;
      codes[at + i] = (byte) (sign | Float.floatToRawIntBits(quotients[i]) >>> fraction);
    }
  }

  /**
   * Replaces quotients by the squared errors of their codes, in units of the weight.
   *
   * @param quotients the quotients; overwritten
   * @param divisors what values were divided by
   * @param values the values
   * @param count how many
   */
  void errors(float[] quotients, float[] divisors, float[] values, int count) {
    roundMagnitudes(quotients, count, digits, least(), max(), 1, 0);
    for (int i = 0; i < count; i++) {
      float error = quotients[i] * divisors[i] - Math.abs(values[i]);
      quotients[i] = error * error;
    }
  }

  /** Rounds positive numbers in place to values of this format; beyond the largest to that. */
  void roundPositive(float[] v) {
    roundMagnitudes(v, v.length, digits, least(), max(), 1, 0);
  }

  private float least() {
    return Math.scalb(1f, minExponent);
  }

  /**
   * Rounds numbers to the digits of a type of 16 bits in place, subnormal values included. A
   * negative number that is rounded to zero becomes +0. A number beyond the largest value of
   * FLOAT16 is rounded as if exponents went on; none may be beyond 2^100.
   */
  static void round(float[] v, int count, Precision precision) {
    float shift = shift(precision.digits());
    float least = Math.scalb(1f, precision.minExponent());
    for (int i = 0; i < count; i++) {
      float q = Math.abs(v[i]) * 0x1.000002p23f;
      float unit = Math.max(q - q * 0x1.fffffep-1f, least);
      float c = unit * shift;
      v[i] = (v[i] + c) - c;
    }
  }

  private static void roundMagnitudes(
      float[] v, int count, int digits, float least, float max, float times, float plus) {
    float shift = shift(digits);
    for (int i = 0; i < count; i++) {
      float m = Math.abs(v[i]);
      float q = m * 0x1.000002p23f;
      float unit = Math.max(q - q * 0x1.fffffep-1f, least);
      float c = unit * shift;
      v[i] = Math.min((m + c) - c, max) * times + plus;
    }
  }

  private static float shift(int digits) {
    return Math.scalb(1.5f, 24 - digits);
  }
}
