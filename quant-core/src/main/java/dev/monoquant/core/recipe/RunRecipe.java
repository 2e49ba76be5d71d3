package dev.monoquant.core.recipe;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Output;
import java.util.List;

/**
 * A recipe that may also say what to write.
 *
 * @param config what to quantize and how
 * @param outputs the outputs, each with its complete configuration: that of the recipe, overridden
 *     by its own keys; empty if the recipe names none
 */
public record RunRecipe(QuantizationConfig config, List<Output> outputs) {

  /** Copies the list. */
  public RunRecipe {
    requireNonNull(config, "config");
    outputs = List.copyOf(outputs);
  }
}
