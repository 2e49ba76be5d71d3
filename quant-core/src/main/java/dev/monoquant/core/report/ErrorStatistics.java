package dev.monoquant.core.report;

/**
 * How far decoded numbers are from their originals, over one tensor or many.
 *
 * <p>Sums are taken in double, row by row in model order, so that they are the same bits whatever
 * the number of threads and the height of tiles.
 *
 * @param elements how many numbers
 * @param signal the sum of the squares of the originals
 * @param noise the sum of the squares of the differences
 * @param cross the sum of original times decoded
 * @param decoded the sum of the squares of the decoded numbers
 * @param maxError the greatest absolute difference
 */
public record ErrorStatistics(
    long elements, double signal, double noise, double cross, double decoded, double maxError) {

  /** No numbers. */
  public static final ErrorStatistics EMPTY = new ErrorStatistics(0, 0, 0, 0, 0, 0);

  /**
   * {@return the signal to quantization noise ratio in dB: infinite if there is no noise, NaN if
   * there are no numbers}
   */
  public double sqnrDb() {
    if (elements == 0) {
      return Double.NaN;
    }
    return noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }

  /**
   * {@return the cosine between original and decoded: 1 if both are all zero, 0 if one of them is,
   * NaN if there are no numbers}
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
   * {@return the statistics over the numbers of both}
   *
   * @param other statistics over other numbers
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
