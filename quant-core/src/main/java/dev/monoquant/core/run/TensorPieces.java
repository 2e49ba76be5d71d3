package dev.monoquant.core.run;

import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A tensor in pieces that are cheap to read: ranges of bytes, or bands of rows if the source
 * computes numbers {@link ByRows}. A band whose rows are not contiguous in memory is delivered as
 * many ranges.
 *
 * <p>A band has enough rows for about {@value #BAND_ELEMENTS} numbers: its ranges should not be
 * short, because each is written separately, and the whole band is in memory, once by rows.
 */
public final class TensorPieces {

  /** Receives ranges of bytes of a tensor. */
  @FunctionalInterface
  public interface Visitor {
    /** Receives the bytes from {@code offset} on; little-endian, valid only during the call. */
    void visit(long offset, ByteBuffer data) throws IOException;
  }

  /** Bytes of a tensor that are copied at once. */
  static final int COPY_BYTES = 4 << 20;

  private static final int BAND_ELEMENTS = 4 << 20;

  private final ModelSource source;
  private final TensorInfo tensor;
  private final Optional<WeightMatrix> matrix;
  private final long step;
  private final long end;

  /**
   * @param bytes the most bytes of a piece if byte ranges are cheap
   */
  public TensorPieces(ModelSource source, TensorInfo tensor, int bytes) {
    this(source, tensor, bytes, BAND_ELEMENTS);
  }

  public TensorPieces(ModelSource source, TensorInfo tensor, int bytes, int bandElements) {
    this.source = source;
    this.tensor = tensor;
    this.matrix = tensor.bytes() == 0 ? Optional.empty() : ByRows.matrix(source, tensor);
    this.step =
        matrix
            .map(m -> Math.max(1, Math.min(m.rowCount(), bandElements / m.columnCount())))
            .orElse((long) bytes);
    this.end = matrix.map(WeightMatrix::rowCount).orElse(tensor.bytes());
  }

  /** {@return whether the pieces are in memory order} */
  public boolean inOrder() {
    return matrix.isEmpty();
  }

  /** {@return the number of pieces; none of a tensor without bytes} */
  public long count() {
    return (end + step - 1) / step;
  }

  /** {@return the bytes of a piece} */
  public long bytes(long piece) {
    long units = Math.min(step, end - piece * step);
    return matrix.isPresent() ? tensor.bytes() / end * units : units;
  }

  /** Reads a piece. */
  public void read(long piece, TileBuffers buffers, Visitor visitor) throws IOException {
    long first = piece * step;
    int n = (int) Math.min(step, end - first);
    if (matrix.isPresent()) {
      band(matrix.get(), new RowRange(first, n), buffers, visitor);
    } else {
      visitor.visit(first, source.read(tensor, first, n));
    }
  }

  private void band(WeightMatrix m, RowRange rows, TileBuffers buffers, Visitor visitor)
      throws IOException {
    ElementType type = tensor.type();
    WeightMatrix.Runs runs = m.runs(rows);
    int length = runs.length();
    float[] numbers = buffers.original(Math.multiplyExact(rows.height(), (int) m.columnCount()));
    source.readRows(m, rows, numbers);
    // 16 columns at a time, so that the rows are read in runs and not number by number.
    int most = Math.max(1, Math.min(runs.count(), 16 / runs.width()));
    float[] some = buffers.decoded(Math.multiplyExact(most, length));
    byte[] bytes = new byte[length * type.cellBytes()];
    for (int run = 0; run < runs.count(); run += most) {
      int n = Math.min(most, runs.count() - run);
      runs.gather(numbers, run, n, some);
      for (int k = 0; k < n; k++) {
        FloatBytes.narrow(type, some, k * length, length, bytes, 0);
        visitor.visit(
            runs.start(run + k) * type.cellBytes(),
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
      }
    }
  }
}
