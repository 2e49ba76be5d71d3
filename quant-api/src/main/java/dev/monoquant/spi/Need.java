package dev.monoquant.spi;

/**
 * Statistics of a whole tensor that a scheme needs before its first tile. Later versions may add
 * more.
 */
public enum Need {
  /** The smallest and the largest value of the tensor; costs a reading pass. */
  TENSOR_RANGE,
  /**
   * The smallest and the largest value of the tensor and of all that a loader merges with it: the
   * weights of the same {@link dev.monoquant.model.Family} whose schemes ask for it too. Costs a
   * reading pass, shared with {@link #TENSOR_RANGE}. See {@link Facts#familyRange()}.
   */
  FAMILY_RANGE,
  /**
   * A sample of the tensor's values at equal distances, for example to compute a codebook or a
   * clipping range; costs a reading pass, shared with {@link #TENSOR_RANGE}. See {@link
   * Facts#sample()}.
   */
  TENSOR_SAMPLE,
  /**
   * One value for each column, measured by the caller (for example the magnitude of the activations
   * of that input); planning fails for a weight without them. See {@link Facts#columns()}.
   */
  COLUMN_STATISTICS
}
