package dev.monoquant.script;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.List;

/** How a quantized weight is executed. Never persist {@link #ordinal()}. */
public enum Mode {
  /**
   * Decodes the weight once, when the model is loaded: the smallest error, the speed of the
   * original.
   */
  WEIGHT_ONLY("weight-only", 0),
  /** Quantizes activations with one range for the whole tensor: the fastest. */
  DYNAMIC("dynamic", 1),
  /** First divides each row of the activations by its greatest magnitude. */
  DYNAMIC_ROW("dynamic-row", 2),
  /** Like {@link #DYNAMIC_ROW}, with a range from the least to the greatest number of the row. */
  DYNAMIC_ROW_ASYMMETRIC("dynamic-row-asymmetric", 3),
  /**
   * Quantizes activations with a range that was measured before: no result depends on its
   * neighbours in a batch. Numbers outside of the range become its ends, also infinities; NaN is
   * not passed on.
   */
  STATIC("static", 4);

  private final String wire;
  private final int code;

  Mode(String wire, int code) {
    this.wire = wire;
    this.code = code;
  }

  /** {@return its number in the state of a holder} */
  int code() {
    return code;
  }

  /** {@return the stable name} */
  public String wire() {
    return wire;
  }

  /** {@return all names; the order does not mark the default} */
  public static List<String> wires() {
    return Arrays.stream(values()).map(Mode::wire).toList();
  }

  /**
   * {@return the mode}
   *
   * @param wire a name; case-sensitive
   * @throws ConfigurationException if no mode has that name; the message lists all names
   */
  public static Mode of(String wire) {
    return Arrays.stream(values())
        .filter(m -> m.wire.equals(wire))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "no mode " + wire + "; there are " + String.join(", ", wires())));
  }
}
