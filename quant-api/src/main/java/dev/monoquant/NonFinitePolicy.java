package dev.monoquant;

/** What to do with a weight that holds NaN or infinities. */
public enum NonFinitePolicy {
  /** Refuse the model, naming the tensor, the counts and the first position. The default. */
  FAIL("fail"),
  /** Keep that weight as it is and say so; costs a reading pass over all weights. */
  KEEP("keep");

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
   * @param text {@code fail} or {@code keep}
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
            + " is not known; allowed are fail, keep");
  }
}
