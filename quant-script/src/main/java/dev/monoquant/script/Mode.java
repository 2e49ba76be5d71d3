package dev.monoquant.script;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;
import java.util.List;

/** How a weight that is held quantized is executed. Never persist {@link #ordinal()}. */
public enum Mode {
  /** Decoded once when the model is loaded: the smallest error, the speed of the original. */
  WEIGHT_ONLY("weight-only", 0),
  /** Activations quantized with one range for the whole tensor: the fastest. */
  DYNAMIC("dynamic", 1),
  /** Each row of the activations is divided by its greatest magnitude first. */
  DYNAMIC_ROW("dynamic-row", 2),
  /** As {@link #DYNAMIC_ROW}, between the least and the greatest number of the row. */
  DYNAMIC_ROW_ASYMMETRIC("dynamic-row-asymmetric", 3);

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

  /** {@return all names, the default not marked} */
  public static List<String> wires() {
    return Arrays.stream(values()).map(Mode::wire).toList();
  }

  /**
   * {@return the mode}
   *
   * @param wire a name, case matters
   * @throws ConfigurationException if there is none of that name; the message lists all
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
