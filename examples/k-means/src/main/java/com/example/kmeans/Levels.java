package com.example.kmeans;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Facts;
import java.util.Arrays;

/** Ascending levels, each of them a number that the weight's own type has. */
final class Levels {

  private final float[] levels;

  private Levels(float[] levels) {
    this.levels = levels;
  }

  /** Lloyd's algorithm on a sorted sample, from its quantiles on. */
  static Levels learn(Facts facts, int iterations, ElementType type) {
    float[] sample = facts.sample();
    Arrays.sort(sample);
    float[] levels = new float[KMeans.COUNT];
    for (int k = 0; k < levels.length; k++) {
      levels[k] = sample[(int) ((long) k * (sample.length - 1) / (levels.length - 1))];
    }
    for (int i = 0; i < iterations; i++) {
      move(levels, sample);
    }
    for (int k = 0; k < levels.length; k++) {
      levels[k] = type.round(levels[k]);
    }
    levels[0] = facts.range().min();
    levels[levels.length - 1] = facts.range().max();
    return new Levels(levels);
  }

  /** Each level moves to the mean of the numbers that are nearest to it; in order, they stay so. */
  private static void move(float[] levels, float[] sorted) {
    int from = 0;
    for (int k = 0; k < levels.length; k++) {
      double border =
          k == levels.length - 1
              ? Double.POSITIVE_INFINITY
              : ((double) levels[k] + levels[k + 1]) / 2;
      double sum = 0;
      int to = from;
      while (to < sorted.length && sorted[to] <= border) {
        sum += sorted[to++];
      }
      if (to > from) {
        levels[k] = (float) (sum / (to - from));
      }
      from = to;
    }
  }

  static Levels read(byte[] bytes) {
    return new Levels(KMeans.LEVELS.toFloats(bytes));
  }

  byte[] bytes() {
    return KMeans.LEVELS.toBytes(levels);
  }

  /** The nearest level, the lower one of two that are as near. */
  int nearest(float x) {
    int best = 0;
    for (int k = 1; k < levels.length; k++) {
      if (Math.abs((double) levels[k] - x) < Math.abs((double) levels[best] - x)) {
        best = k;
      }
    }
    return best;
  }

  double greatestGap() {
    double gap = 0;
    for (int k = 1; k < levels.length; k++) {
      gap = Math.max(gap, (double) levels[k] - levels[k - 1]);
    }
    return gap;
  }
}
