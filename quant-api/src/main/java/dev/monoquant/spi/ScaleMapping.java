package dev.monoquant.spi;

import java.util.List;
import java.util.Set;

/**
 * Knows which norms and layers of some models can take factors of the inputs of other layers, so
 * that these are scaled before they are quantized ({@code --option edit=awq}).
 *
 * <p>What this does not do: it reads no values and chooses no factors. Stateless and thread-safe.
 */
public interface ScaleMapping {

  /** {@return the id, such as {@code llama}; third parties use {@code vendor/name}} */
  String id();

  /**
   * {@return the classes that {@code architectures} of config.json names, such as {@code
   * LlamaForCausalLM}; the same at each call; a class belongs to one mapping}
   */
  Set<String> models();

  /**
   * Whether the names of a model alone tell that this mapping is right for it. Asked of models
   * without a config.json, such as a file of weights.
   *
   * @param model the model
   * @return false in doubt
   */
  default boolean recognises(ModelInfo model) {
    return false;
  }

  /**
   * Finds where factors can be moved. Every layer that reads a scaled input must be in its fold;
   * where another one may read it, as the residual stream of BERT does, there is none.
   *
   * @param model a model of one of the {@link #models}, or that it {@linkplain #recognises}
   * @return the folds, in which no tensor is multiplied twice or divided twice, and the weights
   *     that have none
   */
  ScaleFolds folds(ModelInfo model);

  /** {@return the options of edits, the same for all mappings} */
  default List<OptionSpec<?>> options() {
    return EditOptions.all();
  }
}
