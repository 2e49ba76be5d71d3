package dev.monoquant.core.run;

import dev.monoquant.core.report.ErrorStatistics;

/**
 * Sums the errors of the rows of one tile, in row order. Not thread-safe: each tile has its own
 * meter, and the tiles' sums are added in tile order, so the bits of the total do not depend on the
 * number of threads.
 */
public final class ErrorMeter {

  private final int cols;
  private long elements;
  private double signal;
  private double noise;
  private double cross;
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
    // Two independent chains of additions hide their latency; the order is still fixed.
    double signal0 = 0;
    double signal1 = 0;
    double noise0 = 0;
    double noise1 = 0;
    double cross0 = 0;
    double cross1 = 0;
    double greatest = 0;
    int even = cols & ~1;
    for (int c = 0; c < even; c += 2) {
      double x0 = original[at + c];
      double x1 = original[at + c + 1];
      double e0 = x0 - decoded[at + c];
      double e1 = x1 - decoded[at + c + 1];
      signal0 += x0 * x0;
      signal1 += x1 * x1;
      double square0 = e0 * e0;
      double square1 = e1 * e1;
      noise0 += square0;
      noise1 += square1;
      cross0 += x0 * e0;
      cross1 += x1 * e1;
      if (square0 > greatest) {
        greatest = square0;
      }
      if (square1 > greatest) {
        greatest = square1;
      }
    }
    if (even < cols) {
      double x = original[at + even];
      double e = x - decoded[at + even];
      signal0 += x * x;
      noise0 += e * e;
      cross0 += x * e;
      greatest = Math.max(greatest, e * e);
    }
    elements += cols;
    signal += signal0 + signal1;
    noise += noise0 + noise1;
    cross += cross0 + cross1;
    // The comparisons above ignore NaN; the sums do not. Squares of floats cannot overflow. The
    // root of a rounded square is the number itself, since the square of a difference of floats is
    // far from both ends of the range of double.
    double rowError = Double.isFinite(noise0 + noise1) ? Math.sqrt(greatest) : Double.NaN;
    maxError = Math.max(maxError, rowError);
    return rowError;
  }

  /** The errors of all rows so far. */
  public ErrorStatistics total() {
    // With e = x - d: sum(x d) = sum(x x) - sum(x e), and sum(d d) = sum(x x) - 2 sum(x e) + sum(e
    // e).
    double decoded = Math.max(0, signal - 2 * cross + noise);
    return new ErrorStatistics(elements, signal, noise, signal - cross, decoded, maxError);
  }
}
