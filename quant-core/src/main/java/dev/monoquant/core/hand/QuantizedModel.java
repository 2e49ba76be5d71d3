package dev.monoquant.core.hand;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import dev.monoquant.core.report.Report;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A quantized model: the result of a run, or a loaded one. The caller closes it.
 *
 * <p>It shares nothing with the original model. The codes are in memory if the original is a live
 * object, and in a temporary file if it is a file. Thread-safe, except for {@link #close}.
 */
public interface QuantizedModel extends AutoCloseable {

  /**
   * {@return the results of the run}
   *
   * @throws IllegalStateException if this model was loaded
   */
  Report report();

  /** {@return the quantized weights} */
  List<EncodedWeight> weights();

  /** {@return the tensors that are left unquantized} */
  List<TensorInfo> kept();

  /**
   * Writes the model in the format of the configuration, or else of the target's name. If the
   * original and the output can be run, both are run side by side first, see {@link
   * dev.monoquant.core.Quantizer#withSamples}: a TorchScript model, from a file or live, can be
   * written to {@code model.pt}.
   *
   * @param target a file or directory that does not exist
   * @return the files written
   * @throws dev.monoquant.OutputException if the target exists or cannot be written
   */
  List<Path> save(Path target);

  /**
   * Writes the model in a format.
   *
   * @param target a file or directory
   * @param format the id of an output format
   * @param overwrite whether to replace an existing output
   * @return the files written
   * @throws dev.monoquant.ConfigurationException if that format does not support a quantized
   *     weight; then quantize with that format in the configuration
   * @throws dev.monoquant.OutputException if the output cannot be written
   */
  List<Path> save(Path target, String format, boolean overwrite);

  /**
   * {@return all tensors by name: quantized weights decoded to FLOAT32, BFLOAT16 widened to FLOAT32
   * (exactly), all others unchanged}
   *
   * @param manager owns the arrays
   */
  Map<String, NDArray> toStateDict(NDManager manager);

  /**
   * A runnable block with the decoded weights.
   *
   * @param architecture returns a new block with the parameters of the original at each call
   * @param manager owns the parameters
   * @return the block
   * @throws dev.monoquant.ConfigurationException if parameters and tensors do not match
   */
  Block toBlock(Supplier<? extends Block> architecture, NDManager manager);

  /**
   * A runnable block if the original model is one; refused for a state dict, which has no
   * architecture.
   *
   * @param manager owns the parameters
   * @return never returns normally for a state dict
   * @throws dev.monoquant.ConfigurationException always for a state dict; the message shows the
   *     call to use instead
   */
  Block toBlock(NDManager manager);

  /** Releases the memory or the temporary file. */
  @Override
  void close();
}
