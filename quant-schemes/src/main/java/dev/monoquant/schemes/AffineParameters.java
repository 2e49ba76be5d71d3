package dev.monoquant.schemes;

import dev.monoquant.ValidationException;

/**
 * The scale and the zero point of one block of values.
 *
 * @param scale finite; positive, but for the profiles that say otherwise
 * @param zeroPoint the code of zero, which may have a fraction after a search; 0 if codes are
 *     symmetric
 */
record AffineParameters(float scale, float zeroPoint) {

  /**
   * Computes them from the range of the values, as the profile does.
   *
   * @param first the first value
   * @param where names the block in a message
   */
  static AffineParameters of(AffineSpec spec, float min, float max, float first, Where where) {
    AffineParameters made = spec.profile().parameters(spec, min, max, first);
    made.requireFinite(spec, min, max, where);
    if (made.zeroPoint < spec.minCode() || made.zeroPoint > spec.maxCode()) {
      throw new ValidationException(
          String.format(
              "tensor %s, %s: the range %s to %s does not include 0, so its zero point %s is no code,"
                  + " and profile %s would lose its values. Choose another profile, or symmetric"
                  + " codes, or keep this weight",
              spec.tensor(), where.text(), min, max, made.zeroPoint, spec.profile().wire()));
    }
    return made;
  }

  /** Refuses a range that is too wide. */
  void requireFinite(AffineSpec spec, float min, float max, Where where) {
    if (!Float.isFinite(scale)) {
      throw new ValidationException(
          String.format(
              "tensor %s, %s: the range %s to %s has no finite scale in %s. Use symmetric codes, or"
                  + " keep this weight, or cast it to a type with a wider range first",
              spec.tensor(),
              where.text(),
              Math.min(min, 0f),
              Math.max(max, 0f),
              spec.precision().type().wire()));
    }
  }

  /** The position of a block, computed only when needed. */
  @FunctionalInterface
  interface Where {
    String text();
  }
}
