package dev.monoquant.core.run;

import dev.monoquant.spi.GramMatrix;
import java.util.OptionalDouble;

/**
 * The error of a layer's outputs, from the Gram matrix G of its inputs: for a row w of weights that
 * decodes to q, {@code (w - q) G (w - q)ᵀ} is the mean square of what is wrong with that output,
 * and {@code w G wᵀ} that of the output.
 *
 * <p>Of at most {@value #MOST_ROWS} rows at equal distances, the same for any tiles and threads,
 * since a row takes K² multiplications. The matrix is read once, when all rows are there, and is
 * not kept. 16 bytes for each number of those rows. Thread-safe while rows are added.
 */
final class OutputErrors {

  private static final int MOST_ROWS = 64;

  private final GramMatrix gram;
  private final long step;
  private final float[][] originals;
  private final float[][] errors;

  OutputErrors(GramMatrix gram, long rows) {
    this.gram = gram;
    this.step = Math.max(1, (rows + MOST_ROWS - 1) / MOST_ROWS);
    int count = Math.toIntExact((rows + step - 1) / step);
    this.originals = new float[count][];
    this.errors = new float[count][];
  }

  /** Takes what it needs of a tile. */
  void add(long firstRow, int rows, int cols, float[] original, float[] decoded) {
    for (long row = (firstRow + step - 1) / step * step; row < firstRow + rows; row += step) {
      int from = Math.toIntExact(row - firstRow) * cols;
      float[] w = new float[cols];
      float[] e = new float[cols];
      for (int c = 0; c < cols; c++) {
        w[c] = original[from + c];
        e[c] = original[from + c] - decoded[from + c];
      }
      int at = Math.toIntExact(row / step);
      synchronized (this) {
        originals[at] = w;
        errors[at] = e;
      }
    }
  }

  /**
   * {@return the signal to noise ratio of the outputs in dB, infinite without noise; empty if the
   * matrix has no such ratio, as one of zeros or NaN}
   */
  synchronized OptionalDouble sqnrDb() {
    double[] sums = GramProduct.sums(gram, originals, errors);
    double signal = sums[0];
    double noise = sums[1];
    if (!(signal > 0) || !(noise >= 0) || !Double.isFinite(signal + noise)) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise));
  }
}
