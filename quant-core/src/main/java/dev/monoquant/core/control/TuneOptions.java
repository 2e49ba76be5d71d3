package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a tuned model must reach, and what finding it may take. One of the three targets is given.
 *
 * @param config options for all layers, such as the mode that runs them, and rules for layers that
 *     stay in float
 * @param cosine the least cosine between the outputs of the result and those of the original: the
 *     model becomes as small as it can be
 * @param size the most bytes of the tensors, as a part of those of the original: the model becomes
 *     as good as it can be
 * @param bits the most bits for each number of the weights that can be quantized, scales included
 * @param mostRuns the most options that are measured
 * @param mostSeconds the most seconds of measuring
 * @param mostSamples the most samples that each option runs on, from the first
 */
public record TuneOptions(
    QuantizationConfig config,
    OptionalDouble cosine,
    OptionalDouble size,
    OptionalDouble bits,
    OptionalLong mostRuns,
    OptionalLong mostSeconds,
    OptionalLong mostSamples) {

  /** Checks that there is one target. */
  public TuneOptions {
    requireNonNull(config, "config");
    int targets =
        (cosine.isPresent() ? 1 : 0) + (size.isPresent() ? 1 : 0) + (bits.isPresent() ? 1 : 0);
    if (targets != 1) {
      throw new ConfigurationException(
          targets
              + " targets are given; one is needed: a cosine (--target-cosine 0.999), a size"
              + " (--target-size 0.2) or bits (--target-bits 4.6)");
    }
    double target = cosine.orElse(size.orElse(bits.orElse(0)));
    double most = bits.isPresent() ? 64 : 1;
    if (!(target > 0) || target > most) {
      throw new ConfigurationException(
          "a target of "
              + (cosine.isPresent() ? "a cosine" : size.isPresent() ? "a size" : "bits")
              + " is "
              + target
              + "; it must be above 0 and at most "
              + (bits.isPresent() ? "64, such as 4.6" : "1, such as 0.9"));
    }
    if (mostSamples.orElse(1) < 1) {
      throw new ConfigurationException(
          "at most " + mostSamples.getAsLong() + " samples are allowed; 1 is the least");
    }
    if (config.rules().stream().anyMatch(rule -> rule.action() != Rule.Action.EXCLUDE)) {
      throw new ConfigurationException(
          "rules for layers are what is looked for here. Give options for all layers, and rules for"
              + " those that stay in float");
    }
  }
}
