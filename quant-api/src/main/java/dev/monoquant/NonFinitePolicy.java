package dev.monoquant;

/**
 * What to do with a weight that holds NaN or infinities, or numbers for which a scheme finds no
 * finite scale. Whatever the policy, each such weight is named with the counts and the first
 * positions. Tensors that are not quantized are copied as they are and not looked at.
 */
public enum NonFinitePolicy {
  /** Refuse the model, naming the tensor, the counts and the first positions. The default. */
  FAIL("fail"),
  /**
   * Keep that weight as it is and say so; costs a reading pass over all weights. A finite double
   * beyond float32 counts as an infinity here. A weight whose scheme refuses its numbers, because a
   * scale or a cast would overflow, is kept too.
   */
  KEEP("keep"),
  /**
   * Quantize other numbers instead and say so: NaN becomes 0 (as {@code torch.nan_to_num} has it),
   * an infinity the greatest finite magnitude in its row with its sign (not the greatest of the
   * type, which would leave nothing of the row), and 0 in a row that has no finite number. A finite
   * double beyond float32 counts as an infinity. Errors are measured against these numbers. What a
   * scheme refuses (a scale or a cast that would overflow) is refused as with {@link #FAIL}.
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
