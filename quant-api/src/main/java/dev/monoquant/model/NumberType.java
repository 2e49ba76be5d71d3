package dev.monoquant.model;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;

/** Whether codes are integers or small floats, with the names used in recipes. */
public enum NumberType {
  /** Integers. */
  INT("int"),
  /** Floating point. */
  FLOAT("float");

  private final String wire;

  NumberType(String wire) {
    this.wire = wire;
  }

  /** {@return the stable lower-case word} */
  public String wire() {
    return wire;
  }

  /**
   * {@return the value}
   *
   * @param text {@code int} or {@code float}
   * @throws ConfigurationException for anything else
   */
  public static NumberType parse(String text) {
    for (NumberType type : values()) {
      if (type.wire.equals(text)) {
        return type;
      }
    }
    throw new ConfigurationException(
        "type " + QuantException.quote(text) + " is not known; allowed are int and float");
  }
}
