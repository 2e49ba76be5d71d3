package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;

/**
 * The bound on the error of a decoded value, from the scale of its block alone.
 *
 * <p>Let s be the scale, N the number of steps between the smallest and the largest code (255, 15
 * or 7), and h(m) half the distance between values of the weight's precision at a magnitude m: the
 * maximum error of one rounding. A value x has the exact level x/s + z. In units of s:
 *
 * <ul>
 *   <li>The scale itself is off by e = h(s) from range / N (or / (N/2)), because it is rounded.
 *       Levels may thus overshoot the codes: by N/2 * e/s, symmetric, plus the 1/2 between N/2 and
 *       the greatest code; by o = (N * e + h(range))/s, asymmetric.
 *   <li>The zero point is off by up to 1/2 + h(N) + h(2^(b-1)) from its exact value, for the
 *       rounding of least/s, of the difference and to an integer; or by o where it was clamped.
 *   <li>An unclamped code is off by 1/2 for its own rounding, h for that of x/s, and asymmetric
 *       another h for that of the sum. A clamped one is off by the overshoot, and asymmetric by the
 *       error of the zero point.
 * </ul>
 *
 * <p>The larger of the last two, times s, plus the rounding of the decoded product, is the bound.
 * In FLOAT32 that is s/2 and a little; in BFLOAT16 with 8 bits, where a step is half a level at
 * 127, it is about 1.4 s symmetric and 3.5 s asymmetric. Operations on the two lower types are
 * computed in float32 first; the error of that second rounding is less than 2^-12 of the first, and
 * 2^-10 is added for it.
 */
final class AffineErrorBound {

  private static final double SECOND_ROUNDINGS = 1 + 0x1p-10;

  private AffineErrorBound() {}

  /** The bound, growing with the scale; both in units of the weight. */
  static double of(AffineSpec spec, float scale) {
    Precision precision = spec.precision();
    double levels = spec.symmetric() ? symmetric(spec, scale) : asymmetric(spec, scale);
    double greatest = (spec.symmetric() ? -spec.minCode() : spec.codeRange()) * (double) scale;
    double bound = levels * scale + precision.halfStep(greatest);
    if (spec.source() == ElementType.FLOAT64) {
      // The tile's floats are rounded doubles.
      bound += Precision.FLOAT32.halfStep(2 * greatest);
    }
    return bound * SECOND_ROUNDINGS;
  }

  private static double symmetric(AffineSpec spec, double scale) {
    Precision precision = spec.precision();
    double half = spec.codeRange() / 2;
    double clamped = half - spec.maxCode() + half * precision.relativeHalfStep(scale) / scale;
    double unclamped = 0.5 + precision.halfStep(-spec.minCode());
    return Math.max(clamped, unclamped);
  }

  private static double asymmetric(AffineSpec spec, double scale) {
    Precision precision = spec.precision();
    double steps = spec.codeRange();
    double scaleError = precision.relativeHalfStep(scale);
    double rangeError = precision.relativeHalfStep(steps * (scale + scaleError));
    double overshoot = (steps * scaleError + rangeError) / scale;
    double levelError = precision.halfStep(steps + overshoot);
    double sumError = precision.halfStep(-spec.minCode() + overshoot);
    double zeroPointError = Math.max(overshoot, 0.5 + levelError + sumError);
    double unclamped = 0.5 + levelError + precision.halfStep(-spec.minCode());
    return Math.max(overshoot + zeroPointError, unclamped);
  }
}
