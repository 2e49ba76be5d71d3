package dev.monoquant;

/**
 * How to handle a weight that contains NaN or infinities, or values for which a scheme finds no
 * finite scale. Under every policy, the report names each such weight with the counts and the first
 * positions. Tensors that are not quantized are copied without this check.
 */
public enum NonFinitePolicy {
  /** Refuse the model, naming the tensor, the counts and the first positions. The default. */
  FAIL("fail"),
  /**
   * Leave that weight unquantized and report it; costs one reading pass over all weights. A finite
   * double beyond the range of float32 counts as an infinity. A weight is also left unquantized if
   * its scheme refuses the values because a scale or a cast would overflow.
   */
  KEEP("keep"),
  /**
   * Replace such values before quantization and report it. NaN becomes 0, as in {@code
   * torch.nan_to_num}. An infinity becomes the largest finite magnitude of its row with the same
   * sign, or 0 if the row has no finite value; the largest value of the type would make the scale
   * useless for the rest of the row. A finite double beyond the range of float32 counts as an
   * infinity. Errors are measured against the replaced values. If the scheme refuses the values
   * because a scale or a cast would overflow, the model is refused as with {@link #FAIL}.
   */
  CLAMP("clamp");

  private final String wire;

  NonFinitePolicy(String wire) {
    this.wire = wire;
  }

  /** {@return the stable lower-case word} */
  public String wire() {
    return wire;
  }

  /**
   * {@return the value}
   *
   * @param text {@code fail}, {@code keep} or {@code clamp}
   * @throws ConfigurationException for anything else
   */
  public static NonFinitePolicy parse(String text) {
    for (NonFinitePolicy policy : values()) {
      if (policy.wire.equals(text)) {
        return policy;
      }
    }
    throw new ConfigurationException(
        "non-finite policy "
            + QuantException.quote(text)
            + " is not known; allowed are fail, keep, clamp");
  }
}
