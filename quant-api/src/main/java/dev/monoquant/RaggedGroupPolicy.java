package dev.monoquant;

/** How to handle a weight whose number of columns is not a multiple of the group size. */
public enum RaggedGroupPolicy {
  /** Refuse the plan, naming the tensor, its columns and the group size. The default. */
  FAIL("fail"),
  /** Keep that weight as it is and say so. */
  KEEP("keep"),
  /** Quantize that weight per channel instead and report it. */
  CHANNEL("channel"),
  /**
   * Quantize that weight in groups of the next smaller size that divides its columns and report it;
   * refuse the plan if no size from 2 on does.
   */
  SMALLER("smaller"),
  /**
   * Let the last group of each row of that weight be shorter and report it; refuse the plan if the
   * scheme cannot do that. Output formats that cannot store such groups keep the weight in float.
   */
  RAGGED("ragged");

  private final String wire;

  RaggedGroupPolicy(String wire) {
    this.wire = wire;
  }

  /** {@return the stable lower-case word} */
  public String wire() {
    return wire;
  }

  /**
   * {@return the value}
   *
   * @param text {@code fail}, {@code keep}, {@code channel}, {@code smaller} or {@code ragged}
   * @throws ConfigurationException for anything else
   */
  public static RaggedGroupPolicy parse(String text) {
    for (RaggedGroupPolicy policy : values()) {
      if (policy.wire.equals(text)) {
        return policy;
      }
    }
    throw new ConfigurationException(
        "ragged-group policy "
            + QuantException.quote(text)
            + " is not known; allowed are fail, keep, channel, smaller,"
            + " ragged");
  }
}
