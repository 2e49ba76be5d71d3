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
 * An open model: its description and its data.
 *
 * <p>All methods except {@link #close} are thread-safe. What this does not do: it does not convert
 * element types, and it does not write.
 */
public interface ModelSource extends AutoCloseable {

  /**
   * Opens a file with contiguous little-endian tensor data at known offsets, for readers of such
   * formats. Nothing is mapped or held in memory; a tensor may have any size.
   *
   * @param path the file; its path is the name of the model and is in {@link ModelInfo#files()}
   * @param starts the first byte in the file of each tensor, in the order of the model
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be opened
   * @throws dev.monoquant.ModelFormatException if a tensor is not within the file
   */
  static ModelSource ofFile(Path path, Map<TensorInfo, Long> starts) throws IOException {
    return TensorFile.open(path, starts);
  }

  /** {@return the description of the model; the same value at each call, also after closing} */
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
   * Reads rows of a weight matrix as floats, for any row axis. A source that computes its values
   * row by row overrides this method.
   *
   * @param matrix a matrix of one of the plain tensors of {@link #info()}, of type F16, BF16, F32
   *     or F64
   * @param rows the rows to read
   * @param into receives the values, row-major from index 0 on; later elements do not change. A
   *     finite double beyond the range of float32 becomes an infinity
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
    // 16 columns at a time, so that rows are written in runs and not value by value.
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
   * The data of a tensor, as the source that stores or computes it has it.
   *
   * @param source that source
   * @param tensor its tensor with the same bytes
   */
  record Origin(ModelSource source, TensorInfo tensor) {}

  /**
   * Where the bytes of a tensor come from. A run with several outputs reads the tensors of their
   * {@linkplain OutputFormat#view views} once if they have the same origin. A view of another
   * source overrides this method for the tensors that it shows unchanged, also under other names:
   * it returns the origin that the other source gives.
   *
   * @param tensor one of the plain tensors of {@link #info()}
   * @return a tensor with the same bytes in the same order; by default the tensor itself, which is
   *     right for every source
   */
  default Origin origin(TensorInfo tensor) {
    return new Origin(this, tensor);
  }

  /**
   * Reads rows of a quantized weight, unpacked.
   *
   * @param weight one of the quantized weights of {@link #info()}
   * @param rows start at a multiple of the encoding's row alignment; the height is also a multiple,
   *     unless they include the last row
   * @return a tile with all parts, including whole parts
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if the stored parts contradict each other
   */
  default EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    throw new IllegalArgumentException(info().name() + " holds no quantized weights");
  }

  /**
   * The bytes that a quantized weight takes in the files.
   *
   * @param weight one of the quantized weights of {@link #info()}
   * @return bytes; by default those of its parts with codes packed. A source whose files have
   *     another form, such as indices of vectors, overrides this method, and a source that wraps
   *     another one delegates it
   */
  default long storedBytes(EncodedWeight weight) {
    return weight.encoding().packedBytes(weight.matrix().rowCount(), weight.matrix().columnCount());
  }

  /**
   * Finds an optional capability: {@link Auditable} if the files have a manifest, {@link
   * RunnableFile} if the model can be run. A source that wraps another one delegates this call,
   * unless the capability does not apply to the wrapper.
   *
   * @param capability the type of the capability
   * @param <C> the type of the capability
   * @return the capability, the same at each call; empty if this source does not have it
   */
  default <C> Optional<C> find(Class<C> capability) {
    return Optional.empty();
  }

  /** Releases resources; buffers returned by this source must not be used afterwards. */
  @Override
  void close();
}
