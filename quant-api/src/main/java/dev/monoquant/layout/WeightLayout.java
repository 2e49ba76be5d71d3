package dev.monoquant.layout;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * How the parts of one quantized weight become stored tensors, and come back: a tensor for each
 * part ({@link TensorPerPart}), or several parts interleaved in blocks of one tensor.
 *
 * <p>Both directions are here, so that they cannot drift apart. For every weight and every split of
 * its rows into tiles, in any order:
 *
 * <ul>
 *   <li>every byte of every tensor is written exactly once;
 *   <li>the bytes depend on the parts alone, not on the tiles nor their order;
 *   <li>{@link #read} gives the parts back as they were written, in tiles of any height.
 * </ul>
 *
 * <p>Tiles start and end where cells do, see {@link dev.monoquant.tile.Encoding#checkRows}.
 * Implementations are immutable and thread-safe. What this type does not do: it knows neither where
 * a tensor lies in a file nor what the parts mean.
 */
public interface WeightLayout {

  /** {@return the tensors that hold the weight, in order; known from shapes alone} */
  List<TensorInfo> tensors();

  /**
   * Starts to store the weight.
   *
   * @param sink where the bytes go; thread-safe if the writer is used by several threads
   * @return a writer for all of the weight's tiles
   */
  Writer writer(Sink sink);

  /**
   * Reads rows.
   *
   * @param rows rows of the weight, at least one
   * @param source where the bytes come from
   * @return all parts of these rows, those of the tensor as a whole included
   * @throws IOException if the source cannot be read
   * @throws IllegalArgumentException if there are no such rows, or they cut a cell
   */
  EncodedTile read(RowRange rows, Source source) throws IOException;

  /** Takes bytes of stored tensors. */
  @FunctionalInterface
  interface Sink {
    /**
     * Takes a piece of a tensor.
     *
     * @param tensor one of {@link #tensors()}
     * @param offset first byte within its data
     * @param data the bytes; consumed, and not kept after the return
     * @throws IOException if writing fails
     */
    void write(TensorInfo tensor, long offset, ByteBuffer data) throws IOException;
  }

  /** Gives bytes of stored tensors. */
  @FunctionalInterface
  interface Source {
    /**
     * Reads a piece of a tensor.
     *
     * @param tensor one of {@link #tensors()}
     * @param offset first byte within its data
     * @param length bytes
     * @return a buffer that begins with these bytes and holds no others
     * @throws IOException if reading fails
     */
    ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException;
  }

  /**
   * Stores one weight. Thread-safe. What does not end where a byte does is collected in memory
   * until its rows are complete.
   */
  interface Writer {
    /**
     * Stores the tiled parts of some rows.
     *
     * @param tile the rows; each row of the weight comes in exactly one tile. Whole parts in it are
     *     ignored
     * @throws IOException if the sink fails
     * @throws IllegalArgumentException if there are no such rows, they cut a cell, or a part has
     *     too few or too many bytes
     */
    void writeTile(EncodedTile tile) throws IOException;

    /**
     * Stores the parts that belong to the tensor as a whole; to be called once, also if there are
     * none.
     *
     * @param parts the bytes of every whole part by name
     * @throws IOException if the sink fails
     * @throws IllegalArgumentException if a part is missing or has too few or too many bytes
     */
    void writeWhole(Map<String, byte[]> parts) throws IOException;
  }
}
