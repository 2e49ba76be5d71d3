package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantizationConfig;
import java.nio.file.Path;

/**
 * One of the outputs of a run.
 *
 * @param target the file or directory to create
 * @param config what to quantize and how; its format, or else the name of the target, decides the
 *     format of the output
 */
public record Output(Path target, QuantizationConfig config) {

  /** Checks that nothing is null. */
  public Output {
    requireNonNull(target, "target");
    requireNonNull(config, "config");
  }
}
