package dev.monoquant.core;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;

/** Counts the NaN and infinities of a weight; done for the message, once something was seen. */
final class NonFiniteScan {

  private NonFiniteScan() {}

  /** Whether any of the first {@code count} numbers is NaN or infinite. */
  static boolean any(float[] values, int count) {
    // 0 x is 0 for finite x, else NaN; a sum of such keeps the NaN and needs no branch.
    float sum = 0;
    for (int i = 0; i < count; i++) {
      sum += values[i] * 0f;
    }
    return Float.isNaN(sum);
  }

  /** Reads a whole weight, and says how many there are and where the first is. */
  static ModelFormatException refusal(TensorSource source, RowReader reader, int height)
      throws IOException {
    long nans = 0;
    long infinities = 0;
    long first = -1;
    int cols = reader.cols();
    float[] values = new float[Math.multiplyExact(height, cols)];
    long rows = reader.rows().rows();
    for (long row = 0; row < rows; row += height) {
      int h = (int) Math.min(height, rows - row);
      reader.read(row, h, values);
      for (int i = 0; i < h * cols; i++) {
        if (!Float.isFinite(values[i])) {
          first = first < 0 ? row * cols + i : first;
          nans += Float.isNaN(values[i]) ? 1 : 0;
          infinities += Float.isInfinite(values[i]) ? 1 : 0;
        }
      }
    }
    TensorInfo tensor = reader.rows().tensor();
    return new ModelFormatException(
        Reason.NON_FINITE,
        source.name(),
        "tensor " + QuantException.quote(tensor.name()),
        nans
            + " NaN, "
            + infinities
            + " Inf of "
            + tensor.shape().elements()
            + (first < 0 ? "" : ", first at [" + first / cols + "," + first % cols + "]")
            + ". Repair the model, exclude the layer, or keep such weights as they are with"
            + " --non-finite keep");
  }
}
