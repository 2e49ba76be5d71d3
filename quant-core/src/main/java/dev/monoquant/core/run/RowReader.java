package dev.monoquant.core.run;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads rows of a weight as floats, and finds doubles outside the range of float32. */
public final class RowReader {

  /** No double was outside the range of float32. */
  static final long NONE = -1;

  private final ModelSource source;
  private final WeightMatrix rows;
  private final TensorInfo tensor;
  private final int cols;

  public RowReader(ModelSource source, WeightMatrix rows) {
    this.source = source;
    this.rows = rows;
    this.tensor = rows.tensor();
    this.cols = Math.toIntExact(rows.columnCount());
  }

  public WeightMatrix rows() {
    return rows;
  }

  /** The name of the model, for messages. */
  String model() {
    return source.info().name();
  }

  int cols() {
    return cols;
  }

  /**
   * Reads {@code height} rows, starting at {@code firstRow}, into {@code to}, row-major.
   *
   * @throws ModelFormatException if a finite double is outside the range of float32
   */
  void read(long firstRow, int height, float[] to) throws IOException {
    requireFloat32(readAll(firstRow, height, to));
  }

  /**
   * Refuses a double that is outside the range of float32.
   *
   * @param overflow what {@link #readAll} returned
   */
  void requireFloat32(long overflow) {
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
   * Reads rows as {@link #read} does, but returns a finite double outside the range of float32 as
   * an infinity.
   *
   * @return the place in memory of the first such double that was read, or {@link #NONE}
   */
  public long readAll(long firstRow, int height, float[] to) throws IOException {
    RowRange range = new RowRange(firstRow, height);
    source.readRows(rows, range, to);
    boolean overflow = tensor.type() == ElementType.FLOAT64 && NonFinites.any(to, height * cols);
    return overflow ? firstOverflow(range) : NONE;
  }

  private long firstOverflow(RowRange range) throws IOException {
    WeightMatrix.Runs runs = rows.runs(range);
    float[] run = new float[runs.length()];
    for (int k = 0; k < runs.count(); k++) {
      long start = runs.start(k);
      ByteBuffer data = source.read(tensor, start * Double.BYTES, run.length * Double.BYTES);
      int overflow = FloatBytes.widen(ElementType.FLOAT64, data, run, 0, run.length);
      if (overflow != FloatBytes.NONE) {
        return start + overflow;
      }
    }
    return NONE;
  }
}
