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
 * <p>The tensors and declared layers of each input:
 *
 * <ul>
 *   <li>a map: its keys are the names, no layers are declared. A {@code LinkedHashMap} or a sorted
 *       map is read in its own order; any other map has no reliable order and is read in the order
 *       of its names;
 *   <li>a list: each array needs a unique name, set with {@code array.setName("fc.weight")}; no
 *       layers are declared;
 *   <li>a block built in Java: tensors have the names of {@code block.getParameters()} ({@code
 *       01Linear_weight}), and each block with its own parameters is a declared layer ({@code
 *       01Linear}) whose kind is that of its class. The running statistics of BatchNorm are
 *       parameters;
 *   <li>a TorchScript block, by itself or in a model: everything in its archive, see {@link
 *       LiveScript}, so that it can be written as TorchScript again;
 *   <li>a TorchScript block within a block built in Java: its parameters by their dotted names. DJL
 *       exposes neither its submodules nor its buffers: no layers are declared, and running
 *       statistics and other buffers are not read.
 * </ul>
 *
 * <p>Memory: arrays on the CPU are read in place. An array that is not in row-major order (such as
 * a transposed view) is copied when it is first read, and the copy is freed when the source is
 * closed. Arrays on another device are copied to the CPU piece by piece, as they are read.
 *
 * <p>The caller's objects are never written, closed, detached or attached elsewhere: opening
 * creates an alias of every array, and closing the source closes only the aliases. The caller may
 * close the arrays while the source is open, but must not write to them: a reader would see a
 * mixture. While {@link #open} runs, no other thread may close the arrays or their managers. A
 * capped manager accepts no aliases, so its arrays cannot be opened.
 *
 * <p>What this does not do: it reads no sparse arrays, and only the types F32, F64, F16, U8, I8,
 * I32, I64, BOOL and C64 (reading a bfloat16 array ends the process inside libtorch, so such an
 * array is refused by name). It starts no engine other than that of the given arrays. Stateless and
 * thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class LiveModelFormat implements InputFormatDetector {

  /** The id, {@value}. */
  public static final String ID = "djl";

  /** Made by the service loader. */
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
   * @param limits the limits on the number of tensors, the length of names and dimensions
   * @return the open source; reading from it after {@link ModelSource#close} is an {@link
   *     IllegalStateException}
   * @throws dev.monoquant.ModelFormatException if there are no arrays, an array has no unique name,
   *     is closed, sparse or of a type that cannot be read, a block is not initialised, or a limit
   *     is reached
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
