package dev.monoquant.core.run;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import java.io.IOException;

/** Finds the NaN and infinities of a weight, and refuses or replaces them. */
public final class NonFiniteScan {

  private NonFiniteScan() {}

  /**
   * Replaces them as {@link dev.monoquant.NonFinitePolicy#CLAMP} says: each row independently, so
   * that the result does not depend on the height of tiles.
   *
   * @return the values that were replaced
   */
  public static NonFinites clamp(float[] values, WeightMatrix rows, long firstRow, int height) {
    int cols = Math.toIntExact(rows.columnCount());
    if (!NonFinites.any(values, height * cols)) {
      return NonFinites.NONE;
    }
    NonFinites found = NonFinites.in(values, rows, firstRow, height);
    for (int r = 0; r < height; r++) {
      float greatest = 0;
      for (int i = r * cols; i < (r + 1) * cols; i++) {
        float magnitude = Math.abs(values[i]);
        greatest = magnitude < Float.POSITIVE_INFINITY ? Math.max(greatest, magnitude) : greatest;
      }
      for (int i = r * cols; i < (r + 1) * cols; i++) {
        if (Float.isNaN(values[i])) {
          values[i] = 0;
        } else if (Float.isInfinite(values[i])) {
          values[i] = Math.copySign(greatest, values[i]);
        }
      }
    }
    return found;
  }

  /**
   * Reads a whole weight; the message gives the number of non-finite values and the first
   * positions.
   */
  static ModelFormatException refusal(RowReader reader, int height) throws IOException {
    NonFinites all = NonFinites.NONE;
    float[] values = new float[Math.multiplyExact(height, reader.cols())];
    long rows = reader.rows().rowCount();
    for (long row = 0; row < rows; row += height) {
      int h = (int) Math.min(height, rows - row);
      reader.readAll(row, h, values);
      if (NonFinites.any(values, h * reader.cols())) {
        all = all.plus(NonFinites.in(values, reader.rows(), row, h));
      }
    }
    TensorInfo tensor = reader.rows().tensor();
    return new ModelFormatException(
        Reason.NON_FINITE,
        reader.model(),
        "tensor " + QuantException.quote(tensor.name()),
        all.describe(tensor.shape())
            + ". Repair the model, exclude the layer, keep such weights as they are with"
            + " --non-finite keep, or quantize them with other numbers in these places with"
            + " --non-finite clamp");
  }
}
