package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * An open model: its description and its bytes.
 *
 * <p>All methods but {@link #close} may be called by several threads at once. What this does not
 * do: it never converts element types, and it never writes.
 */
public interface ModelSource extends AutoCloseable {

  /**
   * Opens a file that holds the contiguous little-endian data of tensors at known places, for
   * readers of formats that do. Nothing is mapped or held in memory; a tensor may have any size.
   *
   * @param path the file; it becomes the name of the model and one of its {@link ModelInfo#files()}
   * @param starts the first byte in the file of each tensor, in the order of the model
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be opened
   * @throws dev.monoquant.ModelFormatException if a tensor is not within the file
   */
  static ModelSource ofFile(Path path, Map<TensorInfo, Long> starts) throws IOException {
    return TensorFile.open(path, starts);
  }

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
   * Reads rows of a weight as floats, whatever axis of the tensor they lie along. A source that
   * makes its numbers row by row overrides this.
   *
   * @param matrix a matrix of one of the plain tensors of {@link #info()}, of type F16, BF16, F32
   *     or F64
   * @param rows which rows
   * @param into the numbers, row-major from index 0 on; what lies beyond them stays. A finite
   *     double beyond the range of float32 arrives as an infinity
   * @throws IOException if reading fails
   */
  default void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    WeightMatrix.Runs runs = matrix.runs(rows);
    ElementType type = matrix.tensor().type();
    int length = runs.length();
    if (length == 0) {
      return;
    }
    boolean inPlace = runs.count() == 1;
    // 16 columns at a time, so that rows are written in stretches and not number by number.
    int most = inPlace ? 1 : Math.max(1, Math.min(runs.count(), 16 / runs.width()));
    float[] some = inPlace ? into : new float[Math.multiplyExact(most, length)];
    for (int run = 0; run < runs.count(); run += most) {
      int n = Math.min(most, runs.count() - run);
      for (int k = 0; k < n; k++) {
        long offset = Math.multiplyExact(runs.start(run + k), (long) type.cellBytes());
        int bytes = Math.multiplyExact(length, type.cellBytes());
        ByteBuffer data = read(matrix.tensor(), offset, bytes);
        FloatBytes.widen(type, data, some, k * length, length);
      }
      if (!inPlace) {
        runs.scatter(some, run, n, into);
      }
    }
  }

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
