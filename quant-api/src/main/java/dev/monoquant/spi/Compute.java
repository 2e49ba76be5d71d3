package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import java.util.Arrays;

/**
 * Where numbers are computed. The results are the same, bit for bit. The choice affects only speed
 * and whether the engine or the module {@code jdk.incubator.vector} is needed, and is therefore not
 * written to outputs.
 *
 * <p>A scheme that can compute with {@link #TORCH} does so for that value, and in Java for all
 * others. {@link #JVM} and {@link #VECTOR} name the {@link dev.monoquant.model.Kernels} of a run.
 */
public enum Compute {
  /** The fastest one for the amount of work; built-in schemes then need no engine. */
  AUTO("auto"),
  /** Plain Java loops. */
  JVM("jvm"),
  /** Torch operations over {@link dev.monoquant.tile.Tile#array()}. */
  TORCH("torch"),
  /** Java loops in vector instructions, from the module {@code quant-vector}. */
  VECTOR("vector");

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
                    "compute " + text + " is not known; allowed are auto, jvm, torch and vector"));
  }
}
