package dev.monoquant.io.compressedtensors;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a model directory stores quantized weights, and what {@code config.json} tells loaders of
 * them. {@link DirectoryOutput} does the rest: names, shards, side files, the manifest.
 *
 * <p>Only weights of Linear layers and tables with tensors named {@code MODULE.weight} are passed
 * on. Stateless and thread-safe.
 */
interface DirectoryFormat {

  /** Supplies the bytes of a small tensor of the finished directory by its name. */
  @FunctionalInterface
  interface Source {

    /**
     * {@return all bytes of a tensor}
     *
     * @param tensor its name
     * @throws IOException if it cannot be read
     */
    ByteBuffer read(String tensor) throws IOException;
  }

  /** {@return the id of the output format} */
  String id();

  /** {@return whether the format can store the experts of mixtures} */
  default boolean holdsExperts() {
    return true;
  }

  /** {@return whether the format can store tables of word embeddings} */
  default boolean holdsTables() {
    return false;
  }

  /**
   * {@return why the format cannot store a weight; empty if it can}
   *
   * @param weight the weight of a Linear layer, or of a table if the format holds tables
   */
  Optional<String> refusal(EncodedWeight weight);

  /**
   * {@return the tensors of a weight; the one with its codes is the first}
   *
   * @param weight a weight without {@link #refusal}
   */
  WeightLayout layout(EncodedWeight weight);

  /**
   * {@return the {@code quantization_config} of config.json}
   *
   * @param contents the contents of the directory, at least one weight
   * @throws dev.monoquant.ConfigurationException if the format cannot describe weights that differ
   *     in this way
   */
  JsonValue.Obj config(DirectoryContents contents);

  /**
   * {@return files that repeat the configuration, by name}
   *
   * @param config the result of {@link #config}
   */
  default Map<String, JsonValue> files(JsonValue.Obj config) {
    return Map.of();
  }

  /**
   * {@return tensors that are not in the input, and their bytes}
   *
   * @param contents the contents of the directory
   */
  default Map<TensorInfo, byte[]> added(OutputContents contents) {
    return Map.of();
  }

  /**
   * {@return the sentences that warn of wrong results in a loader}
   *
   * @param weights the weights of the directory
   */
  default List<String> warnings(List<EncodedWeight> weights) {
    return List.of();
  }

  /**
   * {@return the sentences that tell what loaders do not take}
   *
   * @param root the root of config.json; empty if there is none
   * @param contents the contents of the directory
   */
  default List<String> notes(JsonValue.Obj root, OutputContents contents) {
    return List.of();
  }

  /**
   * {@return the errors that a loader would make with the directory, empty if none}
   *
   * @param config the root of config.json
   * @param contents the contents of the directory
   */
  List<Problem> faults(JsonValue.Obj config, OutputContents contents);

  /**
   * {@return the errors in values of small tensors, empty if none}
   *
   * @param weights the weights of the directory
   * @param source the finished directory
   * @throws IOException if it cannot be read
   */
  default List<Problem> faults(List<EncodedWeight> weights, Source source) throws IOException {
    return List.of();
  }
}
