package dev.monoquant.core.report;

/**
 * The errors of decoded values against their originals, over one tensor or many.
 *
 * <p>Sums are computed in double, row by row in model order, so that they do not depend on the
 * number of threads and the height of tiles.
 *
 * @param elements the number of values
 * @param signal the sum of the squares of the originals
 * @param noise the sum of the squares of the differences
 * @param cross the sum of original times decoded
 * @param decoded the sum of the squares of the decoded values
 * @param maxError the largest absolute difference
 */
public record ErrorStatistics(
    long elements, double signal, double noise, double cross, double decoded, double maxError) {

  /** Statistics of no values. */
  public static final ErrorStatistics EMPTY = new ErrorStatistics(0, 0, 0, 0, 0, 0);

  /**
   * {@return the signal to quantization noise ratio in dB: infinite if there is no noise, NaN if
   * there are no values}
   */
  public double sqnrDb() {
    if (elements == 0) {
      return Double.NaN;
    }
    return noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }

  /**
   * {@return the cosine between original and decoded: 1 if both are all zero, 0 if only one is, NaN
   * if there are no values}
   */
  public double cosine() {
    if (elements == 0) {
      return Double.NaN;
    }
    if (signal == 0 || decoded == 0) {
      return signal == decoded ? 1 : 0;
    }
    return Math.min(1, cross / Math.sqrt(signal) / Math.sqrt(decoded));
  }

  /**
   * {@return the statistics over the values of both}
   *
   * @param other statistics over other values
   */
  public ErrorStatistics plus(ErrorStatistics other) {
    return new ErrorStatistics(
        elements + other.elements,
        signal + other.signal,
        noise + other.noise,
        cross + other.cross,
        decoded + other.decoded,
        Math.max(maxError, other.maxError));
  }
}
