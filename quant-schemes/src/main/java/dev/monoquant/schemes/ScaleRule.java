package dev.monoquant.schemes;

/** How a scheme gets the scales of blocks from their values. Immutable and thread-safe. */
interface ScaleRule {

  /**
   * Replaces the largest magnitude of each block by its scale as it is stored: infinite if there is
   * none.
   *
   * @param greatest the largest magnitudes, finite
   */
  void scales(float[] greatest);

  /**
   * {@return what values are divided by before they are encoded}
   *
   * @param scale a stored scale
   */
  default float divisor(float scale) {
    return scale;
  }
}
