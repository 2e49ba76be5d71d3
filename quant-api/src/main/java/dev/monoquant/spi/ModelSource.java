package dev.monoquant.spi;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * An open model: its description and its bytes.
 *
 * <p>All methods but {@link #close} may be called by several threads at once. What this does not
 * do: it never converts element types, and it never writes.
 */
public interface ModelSource extends AutoCloseable {

  /** {@return what is known of the model; the same value at each call, also after closing} */
  ModelInfo info();

  /**
   * Reads a piece of a tensor.
   *
   * @param tensor one of the plain tensors of {@link #info()}
   * @param offset first byte within the tensor's contiguous data
   * @param length bytes to read
   * @return a read-only little-endian buffer with {@code length} bytes remaining; it may be a view
   *     of a mapped file or of the caller's live array, valid until this source is closed
   * @throws IOException if reading fails
   */
  ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException;

  /**
   * Reads rows of a quantized weight, unpacked.
   *
   * @param weight one of the quantized weights of {@link #info()}
   * @param rows from a multiple of the encoding's row alignment on; the height is a multiple of it
   *     too, unless the last row is among them
   * @return a tile with all parts, the whole ones included
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if the stored parts contradict each other
   */
  default EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    throw new IllegalArgumentException(info().name() + " holds no quantized weights");
  }

  /**
   * Finds what only some sources can: {@link Auditable} where the files carry a manifest, {@link
   * RunnableFile} where the model is something that runs. A source that stands in front of another
   * one hands the question on, unless the answer is not true of it.
   *
   * @param capability the type of what is looked for
   * @param <C> the type of what is looked for
   * @return the same at each call; empty if this source does not have it
   */
  default <C> Optional<C> find(Class<C> capability) {
    return Optional.empty();
  }

  /** Frees what this source holds; buffers it handed out must not be used any more. */
  @Override
  void close();
}
