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

  /** Rows of the matrix that are added in one loop. */
  private static final int TOGETHER = 4;

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
    int cols = gram.size();
    float[][] ofOriginals = new float[originals.length][cols];
    float[][] ofErrors = new float[errors.length][cols];
    float[][] some = new float[TOGETHER][cols];
    for (int i = 0; i < cols; i += TOGETHER) {
      int count = Math.min(TOGETHER, cols - i);
      for (int k = 0; k < TOGETHER; k++) {
        if (k < count) {
          gram.readRow(i + k, some[k]);
        }
      }
      for (int row = 0; row < errors.length; row++) {
        add(ofOriginals[row], originals[row], i, count, some);
        add(ofErrors[row], errors[row], i, count, some);
      }
    }
    double signal = sum(originals, ofOriginals);
    double noise = sum(errors, ofErrors);
    if (!(signal > 0) || !(noise >= 0) || !Double.isFinite(signal + noise)) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise));
  }

  private static void add(float[] to, float[] row, int from, int count, float[][] some) {
    float a = row[from];
    float b = count > 1 ? row[from + 1] : 0;
    float c = count > 2 ? row[from + 2] : 0;
    float d = count > 3 ? row[from + 3] : 0;
    float[] ga = some[0];
    float[] gb = some[1];
    float[] gc = some[2];
    float[] gd = some[3];
    for (int i = 0; i < to.length; i++) {
      to[i] += (a * ga[i] + b * gb[i]) + (c * gc[i] + d * gd[i]);
    }
  }

  private static double sum(float[][] rows, float[][] products) {
    double sum = 0;
    for (int row = 0; row < rows.length; row++) {
      for (int c = 0; c < rows[row].length; c++) {
        sum += (double) rows[row][c] * products[row][c];
      }
    }
    return sum;
  }
}
