package dev.monoquant.model;

/**
 * The arithmetic of the floating point formats of 4 to 8 bits.
 *
 * <p>A code is a sign bit (not in E8M0), exponent bits and fraction bits, most significant first,
 * in the low bits of a byte. With the exponent field e, the fraction field f of m bits and a bias:
 *
 * <pre>
 *   e > 0   (-1)^sign * 2^(e - bias) * (1 + f / 2^m)
 *   e = 0   (-1)^sign * 2^(1 - bias) * f / 2^m          subnormal
 *   E8M0    2^(code - 127)
 * </pre>
 *
 * <table>
 * <caption>formats</caption>
 * <tr><th>format</th><th>bias</th><th>greatest</th><th>infinity</th><th>NaN</th></tr>
 * <tr><td>E4M3 (fn)</td><td>7</td><td>448</td><td>none</td><td>7F, FF</td></tr>
 * <tr><td>E5M2</td><td>15</td><td>57344</td><td>7C, FC</td><td>7D to 7F, FD to FF</td></tr>
 * <tr><td>E4M3FNUZ</td><td>8</td><td>240</td><td>none</td><td>80</td></tr>
 * <tr><td>E5M2FNUZ</td><td>16</td><td>57344</td><td>none</td><td>80</td></tr>
 * <tr><td>E8M0</td><td>127</td><td>2^127</td><td>none</td><td>FF</td></tr>
 * <tr><td>E3M2</td><td>3</td><td>28</td><td>none</td><td>none</td></tr>
 * <tr><td>E2M3</td><td>1</td><td>7.5</td><td>none</td><td>none</td></tr>
 * <tr><td>E2M1</td><td>1</td><td>6</td><td>none</td><td>none</td></tr>
 * </table>
 *
 * <p>Sources: OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2), OCP Microscaling Formats 1.0
 * (E8M0, E3M2, E2M3, E2M1), and for the FNUZ formats arXiv 2206.02915.
 */
enum SmallFloat {
  E4M3("F8_E4M3", 8, 3, 7, Special.NAN_ON_TOP),
  E5M2("F8_E5M2", 8, 2, 15, Special.IEEE),
  E4M3FNUZ("F8_E4M3FNUZ", 8, 3, 8, Special.NAN_IS_MINUS_ZERO),
  E5M2FNUZ("F8_E5M2FNUZ", 8, 2, 16, Special.NAN_IS_MINUS_ZERO),
  E8M0("F8_E8M0", 8, 0, 127, Special.NAN_ON_TOP),
  E3M2("F6_E3M2", 6, 2, 3, Special.NONE),
  E2M3("F6_E2M3", 6, 3, 1, Special.NONE),
  E2M1("F4", 4, 1, 1, Special.NONE);

  /** The codes that are not finite values. */
  private enum Special {
    NONE,
    NAN_ON_TOP,
    NAN_IS_MINUS_ZERO,
    IEEE
  }

  private final String wire;
  private final int bits;
  private final int fractionBits;
  private final int minExponent;
  private final Special special;
  private final int maxCode;

  // Filled by the constructor and never handed out.
  @SuppressWarnings("ImmutableEnumChecker")
  private final float[] values = new float[256];

  SmallFloat(String wire, int bits, int fractionBits, int bias, Special special) {
    this.wire = wire;
    this.bits = bits;
    this.fractionBits = fractionBits;
    this.minExponent = 1 - bias;
    this.special = special;
    int top = (1 << (fractionBits == 0 ? bits : bits - 1)) - 1;
    this.maxCode =
        switch (special) {
          case NONE, NAN_IS_MINUS_ZERO -> top;
          case NAN_ON_TOP -> top - 1;
          case IEEE -> top - (1 << fractionBits);
        };
    for (int code = 0; code < values.length; code++) {
      values[code] = value(code);
    }
  }

  private float value(int code) {
    if (code >= 1 << bits) {
      return Float.NaN;
    }
    if (fractionBits == 0) {
      return code == 0xFF ? Float.NaN : Math.scalb(1f, code - 127);
    }
    int signBit = 1 << (bits - 1);
    int magnitude = code & (signBit - 1);
    boolean negative = (code & signBit) != 0;
    if (magnitude > maxCode) {
      boolean infinite = special == Special.IEEE && magnitude == maxCode + 1;
      return !infinite ? Float.NaN : negative ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
    }
    if (negative && magnitude == 0 && special == Special.NAN_IS_MINUS_ZERO) {
      return Float.NaN;
    }
    int exponent = magnitude >> fractionBits;
    int fraction = magnitude & ((1 << fractionBits) - 1);
    float value =
        exponent == 0
            ? Math.scalb((float) fraction, minExponent - fractionBits)
            : Math.scalb(
                (float) (fraction + (1 << fractionBits)),
                exponent - 1 + minExponent - fractionBits);
    return negative ? -value : value;
  }

  /** Decodes a byte; NaN if the byte encodes NaN or is not a code of the format. */
  float decode(int code) {
    return values[code & 0xFF];
  }

  /** The greatest finite number. */
  float maxValue() {
    return values[maxCode];
  }

  /**
   * The code of the nearest value, as {@link ElementType#round} defines it.
   *
   * @throws IllegalArgumentException for NaN, where the format has none
   */
  int encode(float value) {
    if (Float.isNaN(value)) {
      return nan();
    }
    if (fractionBits == 0) {
      return encodePowerOfTwo(value);
    }
    float magnitude = Math.abs(value);
    int code = Math.min(magnitudeCode(magnitude), maxCode + (special == Special.IEEE ? 1 : 0));
    boolean negative = Float.floatToRawIntBits(value) < 0;
    return negative && (code != 0 || special != Special.NAN_IS_MINUS_ZERO)
        ? code | 1 << (bits - 1)
        : code;
  }

  /** A carry out of the fraction goes into the exponent, because the codes are in order. */
  private int magnitudeCode(float magnitude) {
    if (magnitude == Float.POSITIVE_INFINITY) {
      return Integer.MAX_VALUE;
    }
    int exponent = Math.max(Math.getExponent(magnitude), minExponent);
    // Exact: a float times a power of two is a double.
    double steps = Math.scalb((double) magnitude, fractionBits - exponent);
    return ((exponent - minExponent) << fractionBits) + (int) Math.rint(steps);
  }

  /**
   * The midpoint of two powers rounds up, as in torch: the digit before it, the implied 1, is odd.
   */
  private int encodePowerOfTwo(float value) {
    if (!(value > 0x1p-127f)) {
      return 0;
    }
    if (value == Float.POSITIVE_INFINITY) {
      return maxCode;
    }
    int exponent = Math.getExponent((double) value);
    boolean up = value >= Math.scalb(1.5, exponent);
    return Math.min(exponent + 127 + (up ? 1 : 0), maxCode);
  }

  private int nan() {
    return switch (special) {
      case NONE -> throw new IllegalArgumentException(wire + " has no NaN");
      case NAN_ON_TOP -> maxCode + 1;
      case NAN_IS_MINUS_ZERO -> 1 << (bits - 1);
      // The quiet NaN.
      case IEEE -> maxCode + 1 + (1 << (fractionBits - 1));
    };
  }
}
