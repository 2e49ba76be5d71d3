package dev.monoquant.model;

import java.util.Arrays;

/**
 * The plain loops of {@link JvmKernels} over short runs of numbers that share a factor. Short loops
 * are slow, so that many runs are handled at once, with the factor beside each number, in arrays
 * that fit in the L1 cache: loops over floats alone that C2 vectorizes.
 */
final class RunLoops {

  /** Numbers at a time; a longer run is handled in pieces. */
  private static final int CHUNK = 2048;

  /** The last digit of sums with it is worth 1. */
  private static final float MAGIC = 0x1.8p23f;

  /** The greatest float below 1/2. */
  private static final float BELOW_HALF = 0x1.fffffep-2f;

  private RunLoops() {}

  /** The first number of the largest magnitude of one run. */
  static float largest(Kernels kernels, float[] from, int at, int count) {
    float most = kernels.absMax(from, at, count);
    for (int i = at; most > 0 && i < at + count; i++) {
      if (Math.abs(from[i]) == most) {
        return from[i];
      }
    }
    return most;
  }

  static void nearestCodes(
      float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt) {
    float[] v = new float[Math.min(count, CHUNK)];
    float[] factor = new float[v.length];
    for (int first = 0; first < count; first += v.length) {
      int some = Math.min(v.length, count - first);
      System.arraycopy(from, at + first, v, 0, some);
      spread(factors, first, some, run, factor);
      awayFromZero(v, factor, some);
      bytes(v, some, to, toAt + first);
    }
  }

  static void shiftedCodes(
      ElementType type,
      float[] from,
      int at,
      int count,
      int run,
      float[] least,
      float[] factors,
      byte[] to,
      int toAt) {
    float[] v = new float[Math.min(count, CHUNK)];
    float[] factor = new float[v.length];
    float[] lowest = new float[v.length];
    for (int first = 0; first < count; first += v.length) {
      int some = Math.min(v.length, count - first);
      System.arraycopy(from, at + first, v, 0, some);
      spread(least, first, some, run, lowest);
      spread(factors, first, some, run, factor);
      for (int i = 0; i < some; i++) {
        v[i] -= lowest[i];
      }
      up(v, factor, some, -type.minCode(), type.maxCode());
      bytes(v, some, to, toAt + first);
    }
  }

  /** Writes the number of its run beside each number. */
  private static void spread(float[] ofRuns, int first, int count, int run, float[] to) {
    for (int done = 0; done < count; ) {
      int own = (first + done) / run;
      int end = Math.min(count, (own + 1) * run - first);
      Arrays.fill(to, done, end, ofRuns[own]);
      done = end;
    }
  }

  /**
   * The nearest integers to products, halves away from zero, plus {@link #MAGIC}. With e the
   * nearest integer to a product, ties to even, the difference d is exact; it is 1/2 where e has to
   * be one more, and the next smaller float is {@link #BELOW_HALF}.
   */
  private static void awayFromZero(float[] v, float[] factor, int count) {
    for (int i = 0; i < count; i++) {
      float y = v[i] * factor[i];
      float up = Math.max(y, 0);
      float evenUp = up + MAGIC - MAGIC;
      float moreUp = Math.max(up - evenUp - BELOW_HALF, 0) * 0x1p25f;
      float down = Math.max(-y, 0);
      float evenDown = down + MAGIC - MAGIC;
      float moreDown = Math.max(down - evenDown - BELOW_HALF, 0) * 0x1p25f;
      v[i] = evenUp + moreUp - (evenDown + moreDown) + MAGIC;
    }
  }

  /**
   * The integers below products plus an offset and 1/2, at most the greatest code, plus {@link
   * #MAGIC}. With e the nearest integer, a difference below zero is at least 2^-24, since the sum
   * is at least 1/2 there.
   */
  private static void up(float[] v, float[] factor, int count, int offset, int most) {
    float shift = offset + 0.5f;
    float top = offset + most;
    for (int i = 0; i < count; i++) {
      float sum = v[i] * factor[i] + shift;
      float even = sum + MAGIC - MAGIC;
      float above = Math.min(Math.max(even - sum, 0) * 0x1p24f, 1);
      v[i] = Math.min(even - above, top) - offset + MAGIC;
    }
  }

  private static void bytes(float[] sums, int count, byte[] to, int at) {
    for (int i = 0; i < count; i++) {
      to[at + i] = (byte) Float.floatToRawIntBits(sums[i]);
    }
  }
}
