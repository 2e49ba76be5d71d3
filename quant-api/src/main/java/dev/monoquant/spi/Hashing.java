package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;

/**
 * What the manifest of an output records of the contents of files. The choice affects the manifest
 * only, never a tensor.
 *
 * <p>What is compared within one run, such as the written bytes with those read back, is compared
 * in any case.
 */
public enum Hashing {
  /**
   * No hashes: a later verification compares names and sizes, but not contents, and an interrupted
   * run cannot be resumed.
   */
  NONE("none"),
  /** SHA-256 of all that is written; size and CRC32C of the inputs. The default. */
  OUTPUTS("outputs"),
  /** SHA-256 of all that is read and written. */
  ALL("all");

  private final String wire;

  Hashing(String wire) {
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
  public static Hashing parse(String text) {
    return Arrays.stream(values())
        .filter(h -> h.wire.equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "hashes of " + text + " are not known; allowed are none, outputs and all"));
  }
}
