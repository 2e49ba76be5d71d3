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
 * A quantized model: the result of a run, or one that was loaded. Its owner closes it.
 *
 * <p>It shares nothing with the model it was made of. The codes lie in memory if that was a live
 * object, and in a temporary file if it was a file. Thread-safe, but for {@link #close}.
 */
public interface QuantizedModel extends AutoCloseable {

  /**
   * {@return what the run did}
   *
   * @throws IllegalStateException if this model was loaded and not made here
   */
  Report report();

  /** {@return the weights that are quantized} */
  List<EncodedWeight> weights();

  /** {@return the tensors that are stored as they were} */
  List<TensorInfo> kept();

  /**
   * Writes it in the format that the target's name says, or that the configuration named. What is
   * written is run beside the original first, if both can be run, see {@link
   * Quantizer#withSamples}: so a TorchScript model, a file or live, may go to {@code model.pt}.
   *
   * @param target a file or directory that does not exist
   * @return the files written
   * @throws dev.monoquant.OutputException if it exists or cannot be written
   */
  List<Path> save(Path target);

  /**
   * Writes it.
   *
   * @param target a file or directory
   * @param format the id of an output format
   * @param overwrite whether to replace an existing output
   * @return the files written
   * @throws dev.monoquant.ConfigurationException if that format cannot hold a weight as it is
   *     quantized; quantize with that format in the configuration then
   * @throws dev.monoquant.OutputException if it cannot be written
   */
  List<Path> save(Path target, String format, boolean overwrite);

  /**
   * {@return all tensors as floats again, by name: quantized weights decoded to FLOAT32, all others
   * as they are, BFLOAT16 widened to FLOAT32 (exactly)}
   *
   * @param manager owns the arrays
   */
  Map<String, NDArray> toStateDict(NDManager manager);

  /**
   * A runnable block with the decoded weights.
   *
   * @param architecture makes a fresh block with the parameters of the original, each time anew
   * @param manager owns the parameters
   * @return the block
   * @throws dev.monoquant.ConfigurationException if parameters and tensors do not match
   */
  Block toBlock(Supplier<? extends Block> architecture, NDManager manager);

  /**
   * A runnable block where the model itself was one: refused for a state dict, which has no
   * architecture.
   *
   * @param manager owns the parameters
   * @return never returns normally for a state dict
   * @throws dev.monoquant.ConfigurationException always for a state dict; the message shows the
   *     call to make
   */
  Block toBlock(NDManager manager);

  /** Frees what it holds. */
  @Override
  void close();
}
