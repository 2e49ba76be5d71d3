package dev.monoquant.schemes;

/** How a scheme gets the scale of a block from its values. Immutable and thread-safe. */
interface ScaleRule {

  /**
   * {@return the scale as it is stored; infinite if there is none}
   *
   * @param greatest the largest magnitude in the block, finite
   */
  float scale(float greatest);

  /**
   * {@return what values are divided by before they are encoded}
   *
   * @param scale a stored scale
   */
  default float divisor(float scale) {
    return scale;
  }
}
