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
 * Writes an output.
 *
 * <p>The write methods are thread-safe and may be called in any order; every byte of every tensor
 * is written exactly once, then {@link #commit} makes the output visible. {@link #close} without
 * commit removes everything that was written.
 */
public interface OutputWriter extends Closeable {

  /**
   * Writes the tiled parts of some rows.
   *
   * @param weight a weight of the output
   * @param tile rows of the weight; whole parts in it are ignored
   * @throws IOException if writing fails
   */
  void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException;

  /**
   * Writes the whole parts of a weight.
   *
   * @param weight a weight of the output
   * @param parts the bytes of every whole part by name, possibly none
   * @throws IOException if writing fails
   */
  void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException;

  /**
   * Writes a piece of a tensor that is left unquantized.
   *
   * @param tensor an unquantized tensor of the output
   * @param offset first byte within its contiguous data
   * @param data the bytes; consumed
   * @throws IOException if writing fails
   */
  void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException;

  /**
   * Whether the interrupted run that this one resumes, or the run of a unit, has finished a weight
   * or an unquantized tensor. Nothing of it may be written then.
   *
   * @param name the name of a weight or unquantized tensor of the output
   * @return the remark stored by that run, an empty text if there is none; empty if the tensor must
   *     be written
   */
  default Optional<String> finished(String name) {
    return Optional.empty();
  }

  /**
   * Stores a text for a weight, for a run that resumes this one after an interruption. Call it
   * before the last tile of the weight is written.
   *
   * @param name the name of a weight of the output
   * @param text any text
   */
  default void remark(String name, String text) {}

  /**
   * Notes for the report on files found and copied at the target, such as files of an interrupted
   * run. Grows until the output is committed.
   *
   * @return sentences; empty if there are none
   */
  default List<String> notes() {
    return List.of();
  }

  /**
   * Completes the output under its temporary name. All long work is done here, so that {@link
   * #commit}, which cannot be interrupted, is short. A file that can be run is then run and
   * compared with the original model. Called at most once, after everything is written.
   *
   * @return the complete file; empty if the engine cannot run outputs of this format
   * @throws IOException if writing fails
   * @throws dev.monoquant.ValidationException if the data read back differs from the data written
   */
  default Optional<Path> finish() throws IOException {
    return Optional.empty();
  }

  /**
   * Returns a weight as the completed output decodes it at load time, for comparison with the
   * scheme's decoder. Called after {@link #finish}, by one thread.
   *
   * @param weight a weight of the output
   * @return its values in the order of its tensor, rounded to its type; empty if the output does
   *     not decode it, because a kernel uses the codes directly or the output is not run
   * @throws IOException if reading the output fails
   * @throws dev.monoquant.ValidationException if the output cannot be run
   */
  default Optional<float[]> decoded(EncodedWeight weight) throws IOException {
    return Optional.empty();
  }

  /**
   * Writes a copy of the completed output in which each layer measures itself, see {@link
   * TimedModel}. Called after {@link #finish}, if the output is slower than the original, to name
   * the layers that cost most.
   *
   * @param file the path of the copy, which does not exist yet; the caller deletes it
   * @return what the copy measures; empty if the format has no such copies
   * @throws IOException if writing fails
   */
  default Optional<TimedCopy> timed(Path file) throws IOException {
    return Optional.empty();
  }

  /**
   * Makes the output visible. Does the work of {@link #finish} if it was not called: flushes the
   * files, reads them again and checks them. Then renames them to their final names. Runs on a
   * separate thread that is never interrupted. If the options have a share that begins an output or
   * writes a unit, this stores the share, and the output does not become visible.
   *
   * @return the files of the output, the last one of which completes it; none for such a share
   * @throws IOException if writing fails
   * @throws dev.monoquant.ValidationException if the data read back differs from the data written
   */
  List<Path> commit() throws IOException;

  /**
   * Removes uncommitted files. Does nothing after {@link #commit}.
   *
   * @throws IOException if a temporary file cannot be removed
   */
  @Override
  void close() throws IOException;
}
