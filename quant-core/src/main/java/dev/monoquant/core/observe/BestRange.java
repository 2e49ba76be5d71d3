package dev.monoquant.core.observe;

/**
 * Finds the range with the least expected squared error of codes of 8 bits.
 *
 * <p>The numbers of a bin count as if all were in its middle. Within a range of 255 steps of {@code
 * s}, the error is {@code s * s / 12}; outside of it, the distance to the range comes on top. A
 * range always includes 0, which padding needs. All pairs of ends are tried: the result is the
 * optimum over the ends of bins.
 */
final class BestRange {

  private static final double STEPS = 255;
  private static final double UNIFORM = 12;

  private BestRange() {}

  /**
   * {@return the least and the greatest number of the range; those given if no bin has a number}
   *
   * @param bins the counts of equal bins
   * @param least the start of the first
   * @param greatest the end of the last
   */
  static double[] of(double[] bins, double least, double greatest) {
    int n = bins.length;
    double width = (greatest - least) / n;
    // Sums over the bins before each index: counts, first and second moments.
    double[] count = new double[n + 1];
    double[] first = new double[n + 1];
    double[] second = new double[n + 1];
    for (int i = 0; i < n; i++) {
      double middle = least + (i + 0.5) * width;
      count[i + 1] = count[i] + bins[i];
      first[i + 1] = first[i] + bins[i] * middle;
      second[i + 1] = second[i] + bins[i] * middle * middle;
    }
    double best = Double.POSITIVE_INFINITY;
    double[] range = {least, greatest};
    for (int from = 0; from < n; from++) {
      double low = least + from * width;
      if (low > 0 && from > 0) {
        break;
      }
      double below = distances(count, first, second, 0, from, low);
      for (int to = n; to > from; to--) {
        double high = least + to * width;
        if (high < 0 && to < n) {
          break;
        }
        double step = (Math.max(high, 0) - Math.min(low, 0)) / STEPS;
        double error =
            below + distances(count, first, second, to, n, high) + count[n] * step * step / UNIFORM;
        if (error < best) {
          best = error;
          range = new double[] {low, high};
        }
      }
    }
    return range;
  }

  /** The squared distances of bins to a number. */
  private static double distances(
      double[] count, double[] first, double[] second, int from, int to, double number) {
    return second[to]
        - second[from]
        - 2 * number * (first[to] - first[from])
        + number * number * (count[to] - count[from]);
  }
}
