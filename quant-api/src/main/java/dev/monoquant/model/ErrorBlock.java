package dev.monoquant.model;

/**
 * The blocks in which {@link Kernels#errors} adds up squares: sixteen sums side by side in float,
 * so that no addition waits for the one before, and their sums in double.
 *
 * <pre>
 *   number   0  1  ...  15 | 16  17 ...  31 | ... | 240 ... 255
 *   sum      0  1  ...  15 |  0   1 ...  15 | ... |   0 ...  15     each of 16 numbers
 *   block    sum i + sum i + 8, then i + 4, i + 2 and i + 1         as a tree, in double
 * </pre>
 *
 * <p>A sum of 16 squares in float is off by less than 16 * 2^-24, and the sums of many blocks by
 * far less. Blocks of numbers or differences whose squares may leave the range of float are added
 * up in double, number by number.
 */
public final class ErrorBlock {

  /** Numbers of a block. */
  public static final int NUMBERS = 256;

  /** Partial sums of a block; the lanes of every processor divide them. */
  public static final int SUMS = 16;

  /** Below this, a sum of squares may lack squares that float does not have. */
  private static final double LEAST = 0x1p-90;

  /** The sixteen sums of a square each do not reach the end of float. */
  private static final double MOST = 0x1p120;

  private ErrorBlock() {}

  /**
   * Adds a block to the sums of a row.
   *
   * @param x the originals
   * @param y the decoded values
   * @param at index of the first in both
   * @param partial the sums of x * x, then those of e * e, then those of x * e
   * @param greatest the greatest magnitude of a difference
   * @param sums receives the sums
   * @return the greatest magnitude of a difference; NaN if a number is not finite
   */
  public static double add(
      float[] x, float[] y, int at, float[] partial, float greatest, double[] sums) {
    double signal = tree(partial, 0);
    double noise = tree(partial, SUMS);
    boolean isNoise = noise >= LEAST && noise <= MOST;
    if (!(signal >= LEAST && signal <= MOST) || !(isNoise || greatest == 0)) {
      return exact(x, y, at, NUMBERS, sums);
    }
    sums[0] += signal;
    sums[1] += noise;
    sums[2] += tree(partial, 2 * SUMS);
    return greatest;
  }

  private static double tree(float[] v, int at) {
    double a = ((double) v[at] + v[at + 8]) + ((double) v[at + 4] + v[at + 12]);
    double b = ((double) v[at + 1] + v[at + 9]) + ((double) v[at + 5] + v[at + 13]);
    double c = ((double) v[at + 2] + v[at + 10]) + ((double) v[at + 6] + v[at + 14]);
    double d = ((double) v[at + 3] + v[at + 11]) + ((double) v[at + 7] + v[at + 15]);
    return (a + c) + (b + d);
  }

  /** All in double; squares of floats cannot leave its range. */
  static double exact(float[] x, float[] y, int at, int count, double[] sums) {
    // Two independent chains of additions hide their latency.
    double signal0 = 0;
    double signal1 = 0;
    double noise0 = 0;
    double noise1 = 0;
    double cross0 = 0;
    double cross1 = 0;
    double greatest = 0;
    int even = count & ~1;
    for (int i = at; i < at + even; i += 2) {
      double x0 = x[i];
      double x1 = x[i + 1];
      double e0 = x0 - y[i];
      double e1 = x1 - y[i + 1];
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
    if (even < count) {
      double last = x[at + even];
      double e = last - y[at + even];
      signal0 += last * last;
      noise0 += e * e;
      cross0 += last * e;
      greatest = Math.max(greatest, e * e);
    }
    double noise = noise0 + noise1;
    // The comparisons above ignore NaN; the sums do not. The root of a rounded square is the number
    // itself, since the square of a difference of floats is far from both ends of the range of
    // double.
    double most = Double.isFinite(noise) ? Math.sqrt(greatest) : Double.NaN;
    sums[0] += signal0 + signal1;
    sums[1] += noise;
    sums[2] += cross0 + cross1;
    return most;
  }
}
