package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Preset;
import dev.monoquant.Problem;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Decides which activation quantization an output declares: only what its format holds, and nothing
 * that needs measured scales. Each plan has its own instance. Not thread-safe.
 */
final class ActivationRules {

  private static final String DIRECTORY =
      "Write a directory (compressed-tensors) for loaders that quantize activations";

  private final Optional<OutputFormat> format;
  private final Set<String> leftOut = new TreeSet<>();

  /**
   * @param format the format of the output; empty if there is no output yet, and then everything is
   *     declared
   */
  ActivationRules(Optional<OutputFormat> format) {
    this.format = format;
  }

  /**
   * Refuses activation quantization whose scales would have to be measured by running the model.
   *
   * @param preset the preset that it comes from, if any
   * @throws ConfigurationException naming an alternative that needs no measurement
   */
  static void requireUnmeasured(ActivationQuantization inputs, Optional<Preset> preset) {
    if (inputs.dynamic() == Dynamic.YES || inputs.scale().isPresent()) {
      return;
    }
    throw new ConfigurationException(
        preset.map(p -> "preset " + p + ", ").orElse("")
            + "activations "
            + inputs
            + ": their scales are measured on samples that run through the model. Give the"
            + " measurements with --calibration. "
            + preset
                .flatMap(ActivationRules::instead)
                .orElse(
                    "Let the program that runs the model compute them (dynamic: true), or leave"
                        + " input_activations out and quantize the weights alone; or give a scale"
                        + " that was measured elsewhere (scale: 0.0125), for each layer in a rule"));
  }

  /** The nearest presets that need no samples. */
  private static Optional<String> instead(Preset preset) {
    return switch (preset) {
      case FP8 ->
          Optional.of(
              "Use FP8_DYNAMIC, whose scales are computed for each token, or --scheme fp8 for the"
                  + " weights alone");
      case NVFP4 ->
          Optional.of(
              "Use NVFP4A16, which quantizes the weights alone, or MXFP4, whose scales are computed"
                  + " for each group");
      default -> Optional.empty();
    };
  }

  /**
   * The weight with the activation quantization that the output declares. The inputs of a table are
   * places in it, not numbers to quantize.
   */
  EncodedWeight told(EncodedWeight weight) {
    if (weight.matrix().kind().equals(LayerKind.EMBEDDING)) {
      return weight.withActivations(Optional.empty());
    }
    if (holds() || weight.activations().isEmpty()) {
      return weight;
    }
    leftOut.add(weight.activations().get().toString());
    return weight.withActivations(Optional.empty());
  }

  /** The quantization of the cache that the output declares. */
  Optional<ActivationQuantization> told(Optional<ActivationQuantization> cache) {
    return cache.filter(c -> holds());
  }

  private boolean holds() {
    return format.map(OutputFormat::holdsActivations).orElse(true);
  }

  /** Reports what is left out of the output, and what loaders do with what is declared. */
  List<Problem> problems(Optional<ActivationQuantization> cache) {
    List<Problem> problems = new ArrayList<>();
    String id = format.map(OutputFormat::id).orElse("");
    if (!leftOut.isEmpty()) {
      problems.add(
          Problem.warning(
              "activations",
              "a "
                  + id
                  + " output says nothing of activations: "
                  + String.join(", ", leftOut)
                  + " is left out, and the weights alone are quantized",
              DIRECTORY));
    }
    if (cache.isPresent() && !holds()) {
      problems.add(
          Problem.warning(
              "kv_cache_scheme",
              "a "
                  + id
                  + " output says nothing of keys and values: "
                  + cache.get()
                  + " is left out",
              DIRECTORY));
    } else if (cache.isPresent()) {
      problems.add(cacheNote(cache.get()));
    }
    return problems;
  }

  /** What loaders do without measured scales. */
  private static Problem cacheNote(ActivationQuantization cache) {
    boolean common =
        cache.bits() == 8
            && cache.type() == NumberType.FLOAT
            && cache.strategy() == Strategy.TENSOR
            && cache.dynamic() == Dynamic.NO;
    return common
        ? Problem.note("kv_cache_scheme", "no scales of keys and values are measured; they are 1.0")
        : Problem.warning(
            "kv_cache_scheme",
            cache + " is not what loaders have kernels for",
            "Known to work is {num_bits: 8, type: float, strategy: tensor, dynamic: false}");
  }
}
