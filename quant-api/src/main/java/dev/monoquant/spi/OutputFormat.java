package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Names, packing and files: a way to store a model.
 *
 * <p>What this does not do: it computes no codes. Stateless and thread-safe.
 */
public interface OutputFormat {

  /** {@return the id, such as {@code safetensors}; third parties use {@code vendor/name}} */
  String id();

  /**
   * Whether a user who gives this target and no format means this one.
   *
   * @param target where the output is to be; it may not exist
   * @return true if the name says so, by its extension
   */
  boolean suits(Path target);

  /**
   * Whether this format can store a weight quantized in that way.
   *
   * @param weight the weight and its encoding
   * @return empty if it can; else the reason, and the weight is kept as it is
   */
  Optional<String> refusal(EncodedWeight weight);

  /**
   * Whether this format can store a weight quantized in that way, where that depends on more of the
   * model than the weight, such as the code that uses it. What {@link #refusal(EncodedWeight)}
   * refuses, this refuses.
   *
   * @param weight the weight and its encoding
   * @param source the open model that the weight is of
   * @return empty if it can; else the reason, and the weight is kept as it is
   */
  default Optional<String> refusal(EncodedWeight weight, ModelSource source) {
    return refusal(weight);
  }

  /**
   * Whether outputs can be run by the engine: {@link OutputWriter#finish} then gives a file for it,
   * which is run beside the original before the output is accepted. Settings that say how are
   * refused where it is false.
   *
   * @return false by default
   */
  default boolean isRunnable() {
    return false;
  }

  /**
   * The options of this format's own, described. They are given like those of schemes, for all
   * weights or by rules for some, and arrive in {@link EncodedWeight#storage()} complete.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * What the user should know about how weights will be stored or executed, for the plan and the
   * report.
   *
   * @param request what would be written
   * @return a sentence by the name of the weight; a weight without one is left out
   */
  default Map<String, String> remarks(OutputRequest request) {
    return Map.of();
  }

  /**
   * The size of the output, known before any number is read.
   *
   * @param request what would be written
   * @return bytes of all tensor files, headers included; side files not
   */
  long predictBytes(OutputRequest request);

  /**
   * Starts to write.
   *
   * @param request what will be written
   * @return the open sink; the caller closes it
   * @throws IOException if writing fails
   * @throws dev.monoquant.OutputException if the target may not be written: it exists and {@link
   *     OutputRequest#overwrite()} is false, or it is an input
   */
  OutputWriter open(OutputRequest request) throws IOException;
}
