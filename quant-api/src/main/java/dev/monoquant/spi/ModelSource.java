package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open model: its tensors and their bytes.
 *
 * <p>All methods but {@link #close} may be called by several threads at once. What this does not
 * do: it never converts element types, and it never writes.
 */
public interface ModelSource extends AutoCloseable {

  /** {@return the input for messages, as the user named it} */
  String name();

  /**
   * The plain tensors in the order of the model. Tensors that store a quantized weight are not
   * among them, but in {@link #quantized()}.
   *
   * @return the tensors, their names unique
   */
  List<TensorInfo> tensors();

  /**
   * Reads a piece of a tensor.
   *
   * @param tensor one of {@link #tensors()}
   * @param offset first byte within the tensor's contiguous data
   * @param length bytes to read
   * @return a read-only little-endian buffer with {@code length} bytes remaining; it may be a view
   *     of a mapped file or of the caller's live array, valid until this source is closed
   * @throws IOException if reading fails
   */
  ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException;

  /**
   * {@return free text that came with the model, such as the {@code __metadata__} of safetensors}
   */
  default Map<String, String> metadata() {
    return Map.of();
  }

  /**
   * The layers, if the model declares them (a live block does); they cover any part of the tensors,
   * and the rest is inferred.
   *
   * @return declared layers; empty if the model is a bare state dict
   */
  default List<Layer> layers() {
    return List.of();
  }

  /**
   * Names that stand for the very same numbers as another one, as tied weights do, where a format
   * may store them once: such weights are quantized in one way unless the configuration says
   * otherwise.
   *
   * @return of every name but the first of each group, that first name; empty if there are none
   */
  default Map<String, String> tied() {
    return Map.of();
  }

  /** {@return the weights that are stored quantized; empty for a float model} */
  default List<EncodedWeight> quantized() {
    return List.of();
  }

  /**
   * Reads rows of a quantized weight, unpacked.
   *
   * @param weight one of {@link #quantized()}
   * @param firstRow a multiple of the encoding's row alignment
   * @param height rows to read, a multiple of the row alignment or up to the last row
   * @return a tile with all parts, the whole ones included
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if the stored parts contradict each other
   */
  default EncodedTile readTile(EncodedWeight weight, long firstRow, int height) throws IOException {
    throw new IllegalArgumentException(name() + " holds no quantized weights");
  }

  /**
   * What the reader decided or left out and the user should know, each one line: which entry of a
   * nested checkpoint was taken, which tensors share their memory.
   *
   * @return sentences for a report; empty if there was nothing to decide
   */
  default List<String> notes() {
    return List.of();
  }

  /**
   * The model as something that runs, so that what is made of it can be run beside it.
   *
   * @return a file that holds this model; empty if it has weights only
   */
  default Optional<RunnableFile> runnable() {
    return Optional.empty();
  }

  /** {@return files of a model directory to carry over to the output} */
  default List<SideFile> sideFiles() {
    return List.of();
  }

  /** {@return every file that is read, so that nobody writes over it; empty for live objects} */
  default List<Path> files() {
    return List.of();
  }

  /**
   * Reads everything again and compares it with the manifest that the model carries. Only an error
   * in reading is thrown; what differs is in the result.
   *
   * @return what was found; empty if the model carries no manifest
   * @throws IOException if reading fails
   */
  default Optional<Audit> audit() throws IOException {
    return Optional.empty();
  }

  /** Frees what this source holds; buffers it handed out must not be used any more. */
  @Override
  void close();
}
