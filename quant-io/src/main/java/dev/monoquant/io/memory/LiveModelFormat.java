package dev.monoquant.io.memory;

import static java.util.Objects.requireNonNull;

import ai.djl.nn.Block;
import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.torchscript.LiveScript;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads live DJL objects: a {@code Model}, a {@code Block}, an {@code NDList} or a map of arrays.
 *
 * <p>Which tensors, and what is known of their layers:
 *
 * <ul>
 *   <li>a map: its keys are the names, no layers are declared. The order is that of a {@code
 *       LinkedHashMap} or a sorted map; any other map has none that can be relied on, and is read
 *       in the order of its names;
 *   <li>a list: each array needs a name of its own, given by {@code array.setName("fc.weight")}; no
 *       layers are declared;
 *   <li>a block built in Java: tensors are named as {@code block.getParameters()} spells them
 *       ({@code 01Linear_weight}), and each block with parameters of its own is a declared layer
 *       ({@code 01Linear}) of the kind of its class. BatchNorm's running statistics are parameters
 *       there;
 *   <li>a TorchScript block, by itself or in a model: all that its archive holds, see {@link
 *       LiveScript}, so that it can be written as TorchScript again;
 *   <li>a TorchScript block within a block built in Java: its parameters by their dotted names. DJL
 *       knows neither its submodules nor its buffers: it declares no layers, and running statistics
 *       and other buffers are not among the tensors.
 * </ul>
 *
 * <p>Memory: the arrays of the CPU are read in place. An array whose elements do not lie in
 * row-major order (a transposed view, say) is copied when it is first read, and the copy lives
 * until the source is closed. Arrays of another device are copied to the CPU piece by piece, as
 * they are read.
 *
 * <p>The caller's objects are never written, closed, detached or attached elsewhere: opening takes
 * an alias of every array, and closing the source gives back the aliases and nothing else. Closing
 * the arrays meanwhile is harmless; writing to them is not, a reader would see a mixture. While
 * {@link #open} runs, no other thread may close the arrays or their managers. A manager that was
 * capped takes no aliases, so its arrays cannot be opened.
 *
 * <p>What this does not do: it reads no sparse arrays and no types but F32, F64, F16, U8, I8, I32,
 * I64, BOOL and C64 (touching a bfloat16 array ends the process inside libtorch, so such an array
 * is refused by name). It starts no engine but that of the arrays it is given. Stateless and
 * thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class LiveModelFormat implements InputFormatDetector {

  /** The id, {@value}. */
  public static final String ID = "djl";

  /** For the service loader; there is no state. */
  public LiveModelFormat() {}

  @Override
  public String id() {
    return ID;
  }

  /** {@return CERTAIN for every live object, NONE for a path} */
  @Override
  public Match probe(ModelInput input) {
    return requireNonNull(input, "input") instanceof ModelInput.OfPath ? Match.NONE : Match.CERTAIN;
  }

  /**
   * Opens a live object.
   *
   * @param input a model, block, list or map
   * @param limits how many tensors, how long their names and how many dimensions
   * @return the open source; reading from it after {@link ModelSource#close} is an {@link
   *     IllegalStateException}
   * @throws dev.monoquant.ModelFormatException if there are no arrays, an array has no name of its
   *     own, is closed, sparse or of a type that cannot be read, a block is not initialised, or a
   *     limit is reached
   */
  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) {
    Block block = script(input);
    if (block != null) {
      try {
        return LiveScript.open(block, input.describe(), limits);
      } catch (IOException e) {
        throw new ModelFormatException(
            Reason.UNREADABLE,
            input.describe(),
            "",
            "it could not be saved into a temporary file: "
                + e
                + ". Make room there, or set -Djava.io.tmpdir.",
            e);
      }
    }
    LiveArrays arrays = LiveArrays.of(input, limits);
    return LiveSource.open(arrays, ArrayTypes.describe(arrays, limits), LiveTensor.MAX_VIEW);
  }

  /** {@return the TorchScript block of an input; null if it has none} */
  private static @Nullable Block script(ModelInput input) {
    Block block = null;
    if (input instanceof ModelInput.OfBlock of) {
      block = of.block();
    } else if (input instanceof ModelInput.OfModel of) {
      block = of.model().getBlock();
    }
    return block != null && LiveScript.fits(block) ? block : null;
  }
}
