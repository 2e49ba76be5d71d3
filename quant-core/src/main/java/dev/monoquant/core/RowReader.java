package dev.monoquant.core;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Reads rows of a weight as floats, whatever axis the rows lie along.
 *
 * <p>Where the row axis is the first, a row block is one run of bytes. Elsewhere it is gathered:
 * for a weight (a, rows, b) a block of h rows is, for each of the a outer indices, a run of h * b
 * numbers.
 */
final class RowReader {

  /** No double was beyond float32. */
  static final long NONE = -1;

  private final ModelSource source;
  private final WeightMatrix rows;
  private final TensorInfo tensor;
  private final int cols;
  private final long outer;
  private final int inner;

  RowReader(ModelSource source, WeightMatrix rows) {
    this.source = source;
    this.rows = rows;
    this.tensor = rows.tensor();
    this.cols = Math.toIntExact(rows.cols());
    TensorShape shape = tensor.shape();
    long before = 1;
    for (int axis = 0; axis < rows.rowAxis(); axis++) {
      before *= shape.dim(axis);
    }
    this.outer = before;
    this.inner = before == 0 ? 0 : Math.toIntExact(cols / before);
  }

  WeightMatrix rows() {
    return rows;
  }

  int cols() {
    return cols;
  }

  /**
   * Reads {@code height} rows from {@code firstRow} on into {@code to}, row-major.
   *
   * @throws ModelFormatException if a finite double is beyond float32
   */
  void read(long firstRow, int height, float[] to) throws IOException {
    long overflow = readAll(firstRow, height, to);
    if (overflow != NONE) {
      throw new ModelFormatException(
          Reason.NON_FINITE,
          source.info().name(),
          "tensor " + QuantException.quote(tensor.name()),
          "element "
              + overflow
              + " is a finite double beyond the range of float32. Exclude the layer, store it in"
              + " float32, or keep such weights as they are with --non-finite keep");
    }
  }

  /**
   * Reads rows as {@link #read} does, but a finite double beyond float32 arrives as an infinity.
   *
   * @return the place in memory of the first such double that was read, or {@link #NONE}
   */
  long readAll(long firstRow, int height, float[] to) throws IOException {
    if (outer == 1) {
      return widen(firstRow * inner, Math.multiplyExact(height, inner), to);
    }
    long overflow = NONE;
    float[] run = new float[Math.multiplyExact(height, inner)];
    for (int a = 0; a < outer; a++) {
      long here = widen((a * rows.rows() + firstRow) * inner, run.length, run);
      overflow = overflow == NONE ? here : overflow;
      for (int r = 0; r < height; r++) {
        System.arraycopy(run, r * inner, to, r * cols + a * inner, inner);
      }
    }
    return overflow;
  }

  private long widen(long firstElement, int count, float[] to) throws IOException {
    ElementType type = tensor.type();
    long offset = Math.multiplyExact(firstElement, (long) type.cellBytes());
    int bytes = Math.multiplyExact(count, type.cellBytes());
    ByteBuffer data = source.read(tensor, offset, bytes);
    int overflow = FloatBytes.widen(type, data, to, 0, count);
    return overflow == FloatBytes.NONE ? NONE : firstElement + overflow;
  }
}
