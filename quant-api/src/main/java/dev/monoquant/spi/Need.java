package dev.monoquant.spi;

/** What a scheme must know of a whole tensor before its first tile. More may be added. */
public enum Need {
  /** The least and the greatest number of the tensor; costs a reading pass. */
  TENSOR_RANGE,
  /**
   * Some of the tensor's numbers, spread evenly over it, to learn a codebook or a clipping point
   * from; costs a reading pass, shared with {@link #TENSOR_RANGE}. See {@link Facts#sample()}.
   */
  TENSOR_SAMPLE,
  /**
   * One number for each column, measured by the caller (how large the activations are that a column
   * is multiplied with, say); a weight without any cannot be planned. See {@link Facts#columns()}.
   */
  COLUMN_STATISTICS
}
