package dev.monoquant.spi;

import java.util.Set;

/**
 * How the models of some architectures of transformers are stored in a GGUF file: the names of
 * ggml, the order of rows, and the hyperparameters as metadata. The output format {@code gguf}
 * finds implementations with {@code ServiceLoader}; it reads {@code config.json}, adds the
 * vocabulary and the general metadata, and writes the file. It finds those that its own class
 * loader and the context class loader of the thread can see.
 *
 * <p>What this does not do: it reads no values and writes nothing. Stateless and thread-safe.
 */
public interface GgufArchitecture {

  /**
   * {@return the id, such as {@code qwen}, for third parties {@code vendor/name}; lower case
   * letters, digits and dashes}
   */
  String id();

  /**
   * {@return the classes that {@code architectures} of config.json names, such as {@code
   * Qwen2ForCausalLM}; not empty, the same at each call; a class belongs to one implementation}
   */
  Set<String> models();

  /**
   * Maps a model. Every tensor must be in the mapping or be left out with a reason; the caller
   * checks this and names the others.
   *
   * @param modelClass the class in {@code architectures}, one of {@link #models}
   * @param model the model, with the names of transformers
   * @param config the values of its config.json
   * @return the names, shapes and metadata of the GGUF file
   * @throws dev.monoquant.QuantException if the model cannot be stored, naming the tensor or the
   *     value
   */
  GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config);
}
