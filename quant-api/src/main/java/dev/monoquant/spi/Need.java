package dev.monoquant.spi;

/** What a scheme must know of a whole tensor before its first tile. */
public enum Need {
  /** The least and the greatest number of the tensor; costs a reading pass. */
  TENSOR_RANGE
}
