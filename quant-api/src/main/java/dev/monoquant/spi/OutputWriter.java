package dev.monoquant.spi;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An output in the making.
 *
 * <p>The write methods may be called by several threads at once, in any order; every byte of every
 * tensor is written exactly once, then {@link #commit} makes the output visible. {@link #close}
 * without commit leaves no trace.
 */
public interface OutputWriter extends Closeable {

  /**
   * Writes the tiled parts of some rows.
   *
   * @param weight a weight of the output
   * @param tile rows of it; whole parts in it are ignored
   * @throws IOException if writing fails
   */
  void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException;

  /**
   * Writes the parts that belong to the tensor as a whole.
   *
   * @param weight a weight of the output
   * @param parts the bytes of every whole part by name, possibly none
   * @throws IOException if writing fails
   */
  void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException;

  /**
   * Writes a piece of a tensor that is stored as it is.
   *
   * @param tensor a kept tensor of the output
   * @param offset first byte within its contiguous data
   * @param data the bytes; consumed
   * @throws IOException if writing fails
   */
  void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException;

  /**
   * Whether an interrupted run that this one resumes has finished a weight or a kept tensor.
   * Nothing may be written of it then.
   *
   * @param name the name of a weight or kept tensor of the output
   * @return the remark it left, an empty text if it left none; empty if the tensor is to be written
   */
  default Optional<String> finished(String name) {
    return Optional.empty();
  }

  /**
   * Leaves a text with a weight, for a run that resumes this one should it be interrupted. To be
   * called before the last tile of the weight is written.
   *
   * @param name the name of a weight of the output
   * @param text any text
   */
  default void remark(String name, String text) {}

  /**
   * What the user should know of what was found and done at the target, for the report: what an
   * interrupted run left there, what was copied. Grows until the output is committed.
   *
   * @return sentences; empty if there is nothing to say
   */
  default List<String> notes() {
    return List.of();
  }

  /**
   * Completes the output under its temporary name: whatever takes long is done here, so that {@link
   * #commit}, which is not interrupted, is short. A file that can be run is then run, and compared
   * with what it was made of. Called at most once, when everything is written.
   *
   * @return the complete file; empty if outputs of this format are not run
   * @throws IOException if writing fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   */
  default Optional<Path> finish() throws IOException {
    return Optional.empty();
  }

  /**
   * What the completed output makes of a weight that it decodes when it is loaded, to be compared
   * with what the decoder of its scheme makes of it. Called after {@link #finish}, by one thread.
   *
   * @param weight one of the request's weights
   * @return its numbers in the order of its tensor, rounded to its type; empty if the output does
   *     not decode it, since a kernel multiplies its codes or nothing is run
   * @throws IOException if reading what was written fails
   * @throws dev.monoquant.ValidationException if it cannot be run
   */
  default Optional<float[]> decoded(EncodedWeight weight) throws IOException {
    return Optional.empty();
  }

  /**
   * Finishes, unless {@link #finish} did: flushes, reads the files again and checks them; and gives
   * them their names. Runs on a thread of its own, which no interrupt reaches.
   *
   * @return the files of the output, the one that makes it whole last
   * @throws IOException if writing fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   */
  List<Path> commit() throws IOException;

  /**
   * Removes what was not committed. Does nothing after {@link #commit}.
   *
   * @throws IOException if a temporary file cannot be removed
   */
  @Override
  void close() throws IOException;
}
