package dev.monoquant.schemes.ggml;

/**
 * Finds the scale and the minimum of groups with unsigned codes: several steps are tried, and for
 * each the scale and the minimum follow by weighted least squares from the codes.
 *
 * <pre>
 *   minimum = the least value, at most 0; scale = (greatest - minimum) / last
 *   for k = 0 to tries:
 *     step = (last + from + by * k) / (greatest - minimum)
 *     code = clamp(round((x - minimum) * step), 0, last)
 *     s, m: the least sum of weight * (x - (s * code + m))^2 with m at most 0
 *     if its error is less than the best one: scale, minimum, codes = s, m, code
 * </pre>
 *
 * <p>The sums run from the first value to the last in float32, as in ggml. Not thread-safe.
 */
final class RangeSearch {

  private final int size;
  private final int last;
  private final float from;
  private final float by;
  private final int tries;
  private final boolean magnitudes;
  private final byte[] trial;

  /**
   * @param size values of a group
   * @param last the greatest code
   * @param from added to the greatest code in the first try
   * @param by added in each further try
   * @param tries further tries
   * @param magnitudes whether errors are magnitudes, not squares
   */
  RangeSearch(int size, int last, float from, float by, int tries, boolean magnitudes) {
    this.size = size;
    this.last = last;
    this.from = from;
    this.by = by;
    this.tries = tries;
    this.magnitudes = magnitudes;
    this.trial = new byte[size];
  }

  /**
   * Searches for all groups of a row.
   *
   * @param x the values
   * @param at the first value of the row
   * @param weights the weights of the row, from 0 on
   * @param groups how many groups
   * @param codes receives the codes, at the places of the values
   * @param scales receives a scale for each group
   * @param minimums receives the number for each group that is subtracted, not negative
   */
  void row(
      float[] x,
      int at,
      float[] weights,
      int groups,
      byte[] codes,
      float[] scales,
      float[] minimums) {
    for (int group = 0; group < groups; group++) {
      group(x, at + group * size, weights, group, codes, scales, minimums);
    }
  }

  private void group(
      float[] x,
      int at,
      float[] weights,
      int group,
      byte[] codes,
      float[] scales,
      float[] minimums) {
    int w = group * size;
    float least = x[at];
    float greatest = x[at];
    float sumW = weights[w];
    float sumX = sumW * x[at];
    for (int i = 1; i < size; i++) {
      float value = x[at + i];
      least = value < least ? value : least;
      greatest = value > greatest ? value : greatest;
      sumW += weights[w + i];
      sumX += weights[w + i] * value;
    }
    least = least > 0 ? 0 : least;
    if (greatest <= least) {
      for (int i = 0; i < size; i++) {
        codes[at + i] = 0;
      }
      scales[group] = 0;
      minimums[group] = -least;
      return;
    }
    float inverse = last / (greatest - least);
    float scale = 1 / inverse;
    float minimum = least;
    float best = 0;
    for (int i = 0; i < size; i++) {
      int code = code(inverse * (x[at + i] - least));
      codes[at + i] = (byte) code;
      best += weights[w + i] * error(scale * code + least - x[at + i]);
    }
    for (int k = 0; k <= tries; k++) {
      // Relative to the minimum of the best try so far, as in ggml.
      inverse = (from + by * k + last) / (greatest - minimum);
      float sumL = 0;
      float sumL2 = 0;
      float sumXl = 0;
      for (int i = 0; i < size; i++) {
        int code = code(inverse * (x[at + i] - minimum));
        trial[i] = (byte) code;
        float weighted = weights[w + i] * code;
        sumL += weighted;
        sumL2 += weighted * code;
        sumXl += weighted * x[at + i];
      }
      float determinant = sumW * sumL2 - sumL * sumL;
      if (!(determinant > 0)) {
        continue;
      }
      float ownScale = (sumW * sumXl - sumX * sumL) / determinant;
      float ownMinimum = (sumL2 * sumX - sumL * sumXl) / determinant;
      if (ownMinimum > 0) {
        ownMinimum = 0;
        ownScale = sumXl / sumL2;
      }
      float error = 0;
      for (int i = 0; i < size; i++) {
        error += weights[w + i] * error(ownScale * trial[i] + ownMinimum - x[at + i]);
      }
      if (error < best) {
        System.arraycopy(trial, 0, codes, at, size);
        best = error;
        scale = ownScale;
        minimum = ownMinimum;
      }
    }
    scales[group] = scale;
    minimums[group] = -minimum;
  }

  private int code(float x) {
    return GgmlScheme.clamp(GgmlScheme.nearest(x), 0, last);
  }

  private float error(float difference) {
    return magnitudes ? Math.abs(difference) : difference * difference;
  }
}
