package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
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
  TensorSink open(OutputRequest request) throws IOException;
}
