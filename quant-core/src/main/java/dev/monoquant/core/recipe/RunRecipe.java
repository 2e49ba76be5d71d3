package dev.monoquant.core.recipe;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Output;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A recipe that may also say what to write.
 *
 * @param config what to quantize and how
 * @param outputs the outputs, each with its complete configuration: that of the recipe, overridden
 *     by its own keys; empty if the recipe names none
 * @param calibration the file with statistics of inputs for all outputs, see {@link
 *     dev.monoquant.core.QuantizerOptions#openCalibration}; {@link Recipe} returns it as it is
 *     written, relative to the folder of the recipe
 */
public record RunRecipe(
    QuantizationConfig config, List<Output> outputs, Optional<Path> calibration) {

  /** Says nothing. */
  public static final RunRecipe EMPTY =
      new RunRecipe(QuantizationConfig.DEFAULT, List.of(), Optional.empty());

  /** Copies the list. */
  public RunRecipe {
    requireNonNull(config, "config");
    outputs = List.copyOf(outputs);
    requireNonNull(calibration, "calibration");
  }

  /**
   * {@return this recipe with a path of the calibration that is not relative to the recipe}
   *
   * @param folder the folder of the recipe
   */
  public RunRecipe in(Path folder) {
    return new RunRecipe(config, outputs, calibration.map(folder::resolve));
  }
}
