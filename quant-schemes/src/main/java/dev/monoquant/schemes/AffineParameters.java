package dev.monoquant.schemes;

import dev.monoquant.ValidationException;

/**
 * The scale and the zero point of one block of values.
 *
 * @param scale positive and finite
 * @param zeroPoint the code of zero; 0 if codes are symmetric
 */
record AffineParameters(float scale, int zeroPoint) {

  /**
   * Computes them from the range of the values, each operation rounded to the precision of the
   * weight as in compressed-tensors ({@code calculate_qparams}).
   *
   * @param where names the block in a message
   */
  static AffineParameters of(AffineSpec spec, float min, float max, Where where) {
    Precision precision = spec.precision();
    // The range always includes zero.
    float low = Math.min(min, 0f);
    float high = Math.max(max, 0f);
    float scale;
    float zero = 0;
    if (spec.symmetric()) {
      scale = precision.round(Math.max(-low, high) / (spec.codeRange() / 2));
    } else {
      scale = precision.round(precision.round(high - low) / spec.codeRange());
      float lowCode = precision.round(low / scale);
      float code = precision.round(spec.minCode() - lowCode);
      // For a block of zeros, 0/0 is NaN, and its cast to an integer is 0, in compressed-tensors
      // and in Java.
      zero = Math.min(Math.max(code, spec.minCode()), spec.maxCode());
    }
    if (!Float.isFinite(scale)) {
      throw new ValidationException(
          String.format(
              "tensor %s, %s: the range %s to %s has no finite scale in %s. Use symmetric codes, or"
                  + " keep this weight, or cast it to a type with a wider range first",
              spec.tensor(), where.text(), low, high, precision.type().wire()));
    }
    return new AffineParameters(scale == 0 ? precision.epsilon() : scale, (int) Math.rint(zero));
  }

  /** The position of a block, computed only when needed. */
  @FunctionalInterface
  interface Where {
    String text();
  }
}
