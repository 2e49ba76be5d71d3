package dev.monoquant.schemes.ggml;

import java.util.Arrays;

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
 * <p>The sums run from the first value to the last in float32, as in ggml. Many groups are searched
 * side by side, value i of all of them next to each other, in loops that C2 vectorizes:
 *
 * <pre>
 *   x           group 0: x0 x1 x2 ...   group 1: x0 x1 x2 ...
 *   values[0]   x0 of group 0, x0 of group 1, ...
 *   values[1]   x1 of group 0, x1 of group 1, ...
 * </pre>
 *
 * <p>Their numbers are those of a search of one group alone, {@link #group}, which is done where a
 * product is so large that its rounding has no meaning. Not thread-safe.
 */
final class RangeSearch {

  /** Groups side by side: their values fit in the second-level cache, their sums in the first. */
  private static final int MANY = 256;

  private static final float MAGIC = 0x1.8p23f;

  /** Magnitudes below are rounded to integers by an addition of {@link #MAGIC}. */
  private static final float ROUNDED = 0x1p22f;

  private final int size;
  private final int last;
  private final float from;
  private final float by;
  private final int tries;
  private final boolean magnitudes;
  private final byte[] trial;

  private final float[][] values;
  private final float[][] shares;
  private final float[][] levels;
  private final float[] least = new float[MANY];
  private final float[] greatest = new float[MANY];
  private final float[] sumW = new float[MANY];
  private final float[] sumX = new float[MANY];
  private final float[] sumL = new float[MANY];
  private final float[] sumL2 = new float[MANY];
  private final float[] sumXl = new float[MANY];
  private final float[] inverse = new float[MANY];
  private final float[] largest = new float[MANY];
  private final float[] error = new float[MANY];
  private final float[] ownScale = new float[MANY];
  private final float[] ownMinimum = new float[MANY];
  private final float[] scale = new float[MANY];
  private final float[] minimum = new float[MANY];
  private final float[] best = new float[MANY];
  private final float[] bestInverse = new float[MANY];
  private final float[] bestStart = new float[MANY];

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
    this.values = new float[size][MANY];
    this.shares = new float[size][MANY];
    this.levels = new float[size][MANY];
  }

  /**
   * Searches for the scales and minimums of groups that follow each other.
   *
   * @param x the values
   * @param at the first value of the first group
   * @param weights the weights of all values, from 0 on
   * @param groups how many groups
   * @param codes receives the codes, at the places of the values
   * @param scales receives a scale for each group
   * @param minimums receives the number for each group that is subtracted, not negative
   */
  void groups(
      float[] x,
      int at,
      float[] weights,
      int groups,
      byte[] codes,
      float[] scales,
      float[] minimums) {
    for (int first = 0; first < groups; first += MANY) {
      int count = Math.min(MANY, groups - first);
      gather(x, at + first * size, weights, first * size, count);
      search(count);
      for (int g = 0; g < count; g++) {
        int group = first + g;
        int start = at + group * size;
        // Neither if it is NaN.
        if (largest[g] < ROUNDED && greatest[g] > least[g]) {
          for (int i = 0; i < size; i++) {
            codes[start + i] = (byte) code(bestInverse[g] * (x[start + i] - bestStart[g]));
          }
          scales[group] = scale[g];
          minimums[group] = -minimum[g];
        } else {
          group(x, start, weights, group, codes, scales, minimums);
        }
      }
    }
  }

  /** Puts the values of groups side by side, with their ranges. */
  private void gather(float[] x, int at, float[] weights, int w, int count) {
    for (int g = 0; g < count; g++) {
      int from = g * size;
      float lowest = x[at + from];
      float highest = lowest;
      for (int i = 0; i < size; i++) {
        float value = x[at + from + i];
        values[i][g] = value;
        shares[i][g] = weights[w + from + i];
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
      }
      least[g] = lowest > 0 ? 0 : lowest;
      greatest[g] = highest;
    }
  }

  private void search(int count) {
    Arrays.fill(largest, 0);
    System.arraycopy(least, 0, minimum, 0, count);
    multiply(shares[0], values[0], sumX, count);
    System.arraycopy(shares[0], 0, sumW, 0, count);
    for (int i = 1; i < size; i++) {
      sum(shares[i], values[i], sumW, sumX, count);
    }
    steps(last, count);
    levels(count);
    for (int g = 0; g < count; g++) {
      scale[g] = 1 / inverse[g];
    }
    errors(scale, minimum, count);
    System.arraycopy(error, 0, best, 0, count);
    System.arraycopy(inverse, 0, bestInverse, 0, count);
    System.arraycopy(minimum, 0, bestStart, 0, count);
    for (int k = 0; k <= tries; k++) {
      // Relative to the minimum of the best try so far, as in ggml.
      steps(from + by * k + last, count);
      levels(count);
      solve(count);
      errors(ownScale, ownMinimum, count);
      for (int g = 0; g < count; g++) {
        // Where there is no solution the error is NaN.
        if (error[g] < best[g]) {
          bestStart[g] = minimum[g];
          bestInverse[g] = inverse[g];
          best[g] = error[g];
          scale[g] = ownScale[g];
          minimum[g] = ownMinimum[g];
        }
      }
    }
  }

  private void steps(float levelsOfRange, int count) {
    for (int g = 0; g < count; g++) {
      inverse[g] = levelsOfRange / (greatest[g] - minimum[g]);
    }
  }

  private void levels(int count) {
    Arrays.fill(sumL, 0);
    Arrays.fill(sumL2, 0);
    Arrays.fill(sumXl, 0);
    for (int i = 0; i < size; i++) {
      round(values[i], inverse, minimum, last, levels[i], largest, count);
      sum(levels[i], shares[i], values[i], sumL, sumL2, sumXl, count);
    }
  }

  private void errors(float[] scales, float[] minimums, int count) {
    Arrays.fill(error, 0);
    for (int i = 0; i < size; i++) {
      if (magnitudes) {
        magnitudes(levels[i], shares[i], values[i], scales, minimums, error, count);
      } else {
        squares(levels[i], shares[i], values[i], scales, minimums, error, count);
      }
    }
  }

  private void solve(int count) {
    for (int g = 0; g < count; g++) {
      float determinant = sumW[g] * sumL2[g] - sumL[g] * sumL[g];
      ownScale[g] = (sumW[g] * sumXl[g] - sumX[g] * sumL[g]) / determinant;
      ownMinimum[g] = (sumL2[g] * sumX[g] - sumL[g] * sumXl[g]) / determinant;
      if (ownMinimum[g] > 0) {
        ownMinimum[g] = 0;
        ownScale[g] = sumXl[g] / sumL2[g];
      }
      if (!(determinant > 0)) {
        ownScale[g] = Float.NaN;
      }
    }
  }

  private static void multiply(float[] a, float[] b, float[] products, int count) {
    for (int g = 0; g < count; g++) {
      products[g] = a[g] * b[g];
    }
  }

  private static void sum(float[] share, float[] value, float[] sumW, float[] sumX, int count) {
    for (int g = 0; g < count; g++) {
      sumW[g] += share[g];
      sumX[g] += share[g] * value[g];
    }
  }

  private static void round(
      float[] value,
      float[] inverse,
      float[] start,
      float last,
      float[] level,
      float[] largest,
      int count) {
    for (int g = 0; g < count; g++) {
      float x = inverse[g] * (value[g] - start[g]);
      largest[g] = Math.max(largest[g], Math.abs(x));
      level[g] = Math.min(Math.max(x + MAGIC - MAGIC, 0), last);
    }
  }

  private static void sum(
      float[] level,
      float[] share,
      float[] value,
      float[] sumL,
      float[] sumL2,
      float[] sumXl,
      int count) {
    for (int g = 0; g < count; g++) {
      float weighted = share[g] * level[g];
      sumL[g] += weighted;
      sumL2[g] += weighted * level[g];
      sumXl[g] += weighted * value[g];
    }
  }

  private static void squares(
      float[] level,
      float[] share,
      float[] value,
      float[] scale,
      float[] minimum,
      float[] error,
      int count) {
    for (int g = 0; g < count; g++) {
      float difference = scale[g] * level[g] + minimum[g] - value[g];
      error[g] += share[g] * (difference * difference);
    }
  }

  private static void magnitudes(
      float[] level,
      float[] share,
      float[] value,
      float[] scale,
      float[] minimum,
      float[] error,
      int count) {
    for (int g = 0; g < count; g++) {
      float difference = scale[g] * level[g] + minimum[g] - value[g];
      error[g] += share[g] * Math.abs(difference);
    }
  }

  /** One group by itself: the reference. */
  void group(
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
