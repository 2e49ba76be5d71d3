package dev.monoquant.spi;

/**
 * Statistics that a scheme needs before its first tile, of a whole tensor or of the inputs of its
 * layer. Later versions may add more.
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
   * The mean square of each column of the inputs of the layer, from the {@link Calibration} of the
   * run. See {@link Facts#inputSquares()}.
   */
  INPUT_SQUARES,
  /**
   * The Gram matrix of the inputs of the layer, from the {@link Calibration} of the run. See {@link
   * Facts#inputGram()}.
   */
  INPUT_GRAM;

  /** {@return whether it comes from the {@link Calibration} of the run, not from the weight} */
  public boolean isOfInputs() {
    return this == INPUT_SQUARES || this == INPUT_GRAM;
  }
}
