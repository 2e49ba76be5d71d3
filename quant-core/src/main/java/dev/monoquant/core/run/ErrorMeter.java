package dev.monoquant.core.run;

import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;

/**
 * Sums the errors of the rows of one tile, in row order. Not thread-safe: each tile has its own
 * meter, and the tiles' sums are added in tile order, so the bits of the total do not depend on the
 * number of threads. Sums are those of {@link Kernels#errors}.
 */
public final class ErrorMeter {

  private final int cols;
  private final Kernels kernels = BoundKernels.current();

  /** The sums of x x, e e and x e. */
  private final double[] sums = new double[3];

  private long elements;
  private double maxError;

  public ErrorMeter(int cols) {
    this.cols = cols;
  }

  /**
   * Measures one row, which starts at {@code at} in both arrays.
   *
   * @return the row's greatest absolute error; NaN if an original or a decoded number is not finite
   */
  public double row(float[] original, float[] decoded, int at) {
    double rowError = kernels.errors(original, decoded, at, cols, sums);
    elements += cols;
    maxError = Math.max(maxError, rowError);
    return rowError;
  }

  /**
   * The greatest absolute error of a row, computed in double: {@link #row} may return a number that
   * is off by half a step of float.
   */
  public static double greatest(float[] original, float[] decoded, int at, int cols) {
    double greatest = 0;
    for (int i = at; i < at + cols; i++) {
      greatest = Math.max(greatest, Math.abs((double) original[i] - decoded[i]));
    }
    return greatest;
  }

  /** The errors of all rows so far. */
  public ErrorStatistics total() {
    // With e = x - d: sum(x d) = sum(x x) - sum(x e), and sum(d d) = sum(x x) - 2 sum(x e) + sum(e
    // e).
    double signal = sums[0];
    double noise = sums[1];
    double cross = sums[2];
    double decoded = Math.max(0, signal - 2 * cross + noise);
    return new ErrorStatistics(elements, signal, noise, signal - cross, decoded, maxError);
  }
}
