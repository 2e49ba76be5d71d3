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

  /** {@return how many scales are tried for a block, that from its range included} */
  default int candidates() {
    return 1;
  }

  /**
   * {@return one of the scales to try; that from the range if there is no such one}
   *
   * @param scale the stored scale from the range
   * @param number from 1 to {@link #candidates()} - 1
   */
  default float candidate(float scale, int number) {
    return scale;
  }
}
