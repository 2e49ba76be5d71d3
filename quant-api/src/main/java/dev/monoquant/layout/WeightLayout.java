package dev.monoquant.layout;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * Stores the parts of one quantized weight in tensors and reads them back: a tensor for each part
 * ({@link TensorPerPart}), or several parts interleaved in blocks of one tensor.
 *
 * <p>One class implements both directions. For every weight and every split of its rows into tiles,
 * in any order:
 *
 * <ul>
 *   <li>every byte of every tensor is written exactly once;
 *   <li>the bytes depend on the parts alone, not on the tiles or their order;
 *   <li>{@link #read} returns the parts as they were written, in tiles of any height.
 * </ul>
 *
 * <p>Tiles start and end at cell boundaries, see {@link dev.monoquant.tile.Encoding#checkRows}.
 * Implementations are immutable and thread-safe. What this type does not do: it does not handle the
 * position of a tensor in a file or the meaning of the parts.
 */
public interface WeightLayout {

  /** {@return the tensors that hold the weight, in order; they follow from shapes alone} */
  List<TensorInfo> tensors();

  /**
   * Starts to store the weight.
   *
   * @param sink receives the bytes; thread-safe if the writer is used by several threads
   * @return a writer for all of the weight's tiles
   */
  Writer writer(Sink sink);

  /**
   * Reads rows.
   *
   * @param rows rows of the weight, at least one
   * @param source supplies the bytes
   * @return all parts of these rows, including whole parts
   * @throws IOException if the source cannot be read
   * @throws IllegalArgumentException if the weight does not have these rows, or they split a cell
   */
  EncodedTile read(RowRange rows, Source source) throws IOException;

  /** Receives bytes of stored tensors. */
  @FunctionalInterface
  interface Sink {
    /**
     * Receives a piece of a tensor.
     *
     * @param tensor one of {@link #tensors()}
     * @param offset first byte within its data
     * @param data the bytes; consumed, and not used after the call returns
     * @throws IOException if writing fails
     */
    void write(TensorInfo tensor, long offset, ByteBuffer data) throws IOException;
  }

  /** Supplies bytes of stored tensors. */
  @FunctionalInterface
  interface Source {
    /**
     * Reads a piece of a tensor.
     *
     * @param tensor one of {@link #tensors()}
     * @param offset first byte within its data
     * @param length bytes
     * @return a buffer that holds exactly these bytes
     * @throws IOException if reading fails
     */
    ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException;
  }

  /**
   * Stores one weight. Thread-safe. Rows that do not end at a byte boundary are collected in memory
   * until they are complete.
   */
  interface Writer {
    /**
     * Stores the tiled parts of some rows.
     *
     * @param tile the rows; each row of the weight is in exactly one tile. Whole parts in it are
     *     ignored
     * @throws IOException if the sink fails
     * @throws IllegalArgumentException if the weight does not have these rows, they split a cell,
     *     or a part has too few or too many bytes
     * @throws dev.monoquant.OutputException if the tensors cannot hold the values
     */
    void writeTile(EncodedTile tile) throws IOException;

    /**
     * Stores the whole parts; call it exactly once, even if there are none.
     *
     * @param parts the bytes of every whole part by name
     * @throws IOException if the sink fails
     * @throws IllegalArgumentException if a part is missing or has too few or too many bytes
     * @throws dev.monoquant.OutputException if the tensors cannot hold the values
     */
    void writeWhole(Map<String, byte[]> parts) throws IOException;
  }
}
