package dev.monoquant.schemes;

import dev.monoquant.schemes.AffineSpec.AffineParameters;

/**
 * Refines the zero points of blocks that may have a fraction, as HQQ does: half-quadratic
 * minimization of the norm 0.7 of the errors, with the scale of the range (Badri and Shaji,
 * "Half-Quadratic Quantization of Large Machine Learning Models", 2023).
 *
 * <p>With codes from 0 to N, in FLOAT32: 1/scale = min(N / (max - min), 20000), or 1 if max - min
 * is at most 10^-4; the first zero point is -min/scale, rounded if N is 15. Each of at most {@value
 * #STEPS} steps computes from the errors d the part e = sign(d) * max(|d| - |d|^-0.3 / beta, 0)
 * that outliers are let off, and the zero point mean(code - (x - e)/scale); beta grows by 1 % a
 * step.
 *
 * <p>The library stops when the mean error of the tensor no longer falls; here each block stops for
 * itself, and keeps the zero point with the least mean error, so that a tile does not depend on
 * others.
 */
final class HqqSearch {

  private static final int STEPS = 20;
  private static final double NORM = 0.7;

  private HqqSearch() {}

  /**
   * The scale and zero point of a block of some consecutive values.
   *
   * @param min their smallest
   * @param max their largest
   */
  static AffineParameters of(
      AffineSpec spec, float[] values, int from, int count, float min, float max) {
    float steps = spec.codeRange();
    float range = max - min;
    float inverse = range <= 1e-4f ? 1 : Math.min(steps / range, 2e4f);
    float zero = -min * inverse;
    if (spec.bits() == 4) {
      zero = (float) Math.rint(zero);
    }
    double beta = 10;
    float best = zero;
    double least = Double.POSITIVE_INFINITY;
    for (int step = 0; step <= STEPS; step++) {
      // Below it the part that is let off is 0: no power is needed.
      double threshold = StrictMath.pow(1 / beta, 1 / (2 - NORM));
      double absolute = 0;
      double next = 0;
      for (int i = from; i < from + count; i++) {
        float x = values[i];
        float code = (float) Math.rint(x * inverse + zero);
        code = Math.min(Math.max(code, 0), steps);
        double off = x - (code - zero) / inverse;
        double size = Math.abs(off);
        absolute += size;
        double letOff =
            size > threshold
                ? Math.signum(off) * (size - StrictMath.pow(size, NORM - 1) / beta)
                : 0;
        next += code - (x - letOff) * inverse;
      }
      if (!(absolute < least)) {
        break;
      }
      least = absolute;
      best = zero;
      zero = (float) (next / count);
      beta *= 1.01;
    }
    return new AffineParameters(1 / inverse, best + spec.minCode());
  }

  /** Converts values to levels, see {@link AffineKernels}. */
  static void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count) {
    float least = spec.minCode();
    float most = spec.maxCode();
    for (int i = 0; i < count; i++) {
      float level = v[i] * (1 / scale[i]) + zero[i];
      v[i] = Math.min(Math.max(level, least), most) + AffineKernels.MAGIC;
    }
  }
}
