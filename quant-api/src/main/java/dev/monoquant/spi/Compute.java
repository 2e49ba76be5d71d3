package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;

/**
 * Where a scheme that supports both does its arithmetic. The codes are the same, bit for bit. The
 * choice affects only speed and whether the engine is needed, and is therefore not written to
 * outputs.
 */
public enum Compute {
  /** The fastest one as measured; built-in schemes then need no engine. */
  AUTO("auto"),
  /** Plain Java loops over {@link dev.monoquant.tile.Tile#values()}. */
  JVM("jvm"),
  /** Torch operations over {@link dev.monoquant.tile.Tile#array()}. */
  TORCH("torch");

  private final String wire;

  Compute(String wire) {
    this.wire = wire;
  }

  /** {@return the stable lower-case word} */
  public String wire() {
    return wire;
  }

  /**
   * {@return the value}
   *
   * @param text a wire word
   * @throws ConfigurationException for anything else
   */
  public static Compute parse(String text) {
    return Arrays.stream(values())
        .filter(c -> c.wire.equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "compute " + text + " is not known; allowed are auto, jvm and torch"));
  }
}
