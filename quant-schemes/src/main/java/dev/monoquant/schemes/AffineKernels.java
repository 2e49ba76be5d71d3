package dev.monoquant.schemes;

/**
 * The inner loops of the integer schemes, over scratch arrays that fit in the L1 cache.
 *
 * <p>The JIT compiler of JDK 17 vectorizes these loops. This requires loops that count up from 0 by
 * 1, the same index in all arrays without an offset (a row is copied to scratch first, which costs
 * a fraction of the gain), and floats only. Measured, a division then costs no more than a copy,
 * and a loop with an offset eight times as much. Scales and zero points are arrays with an entry
 * for each value, so that one loop handles all granularities and short groups do not mean short
 * loops.
 *
 * <p>Rounding without branches, all of it exact and checked by exhaustive tests:
 *
 * <ul>
 *   <li><b>To an integer</b>, ties to even: adding {@link #MAGIC}, 1.5 * 2^23, leaves no fraction
 *       bits for |v| below 2^22, and the low byte of the sum's bits is the integer in two's
 *       complement.
 *   <li><b>A quotient to p digits</b> (p is 8 or 11): Veltkamp's splitting with C = 2^(24-p) + 1 is
 *       a rounding to nearest (Boldo, "Pitfalls of a full floating-point proof", IJCAR 2006). It
 *       breaks ties in an undefined direction, but there are no ties: a tie t has p + 1 digits, and
 *       x = t * s is impossible for x and s of p digits; the nearest such quotient is further from
 *       t than half a step of float32.
 *   <li><b>A sum v to p digits, ties to even</b>: with g = v * 2^(24-p), exact, v + g has its last
 *       digit where the p-th digit of v is, and g has zeros there, so that even stays even;
 *       subtracting g is exact. Only if v is within 2^(p-24) below a power of two does the sum
 *       reach the next binade and lose a digit: then the result may be one step of p digits short
 *       of that power. For a sum that is rounded to an integer next this makes no difference (128 -
 *       1/2 goes to 128).
 * </ul>
 *
 * <p>What this does not do: subnormal or infinite results of the two lower precisions; in quotients
 * they do not arise, or only next to 0.
 */
final class AffineKernels {

  /** Values in a scratch array: 8 KiB. */
  static final int CHUNK = 2048;

  /** Its last digit has the value 1, also after a value below 2^22 in magnitude is added. */
  static final float MAGIC = 0x1.8p23f;

  private AffineKernels() {}

  static float absMax(float[] values, int from, int count) {
    float max = 0;
    for (int i = from; i < from + count; i++) {
      max = Math.max(max, Math.abs(values[i]));
    }
    return max;
  }

  static void minInto(float[] v, float[] low, int count) {
    for (int i = 0; i < count; i++) {
      low[i] = Math.min(low[i], v[i]);
    }
  }

  static void maxInto(float[] v, float[] high, int count) {
    for (int i = 0; i < count; i++) {
      high[i] = Math.max(high[i], v[i]);
    }
  }

  static void absMaxInto(float[] v, float[] high, int count) {
    for (int i = 0; i < count; i++) {
      high[i] = Math.max(Math.abs(high[i]), Math.abs(v[i]));
    }
  }

  /** Converts values to levels, symmetric, FLOAT32. */
  static void levels(float[] v, float[] scale, int count, float min, float max) {
    for (int i = 0; i < count; i++) {
      v[i] = Math.min(Math.max(v[i] / scale[i], min), max) + MAGIC;
    }
  }

  /** Converts values to levels, symmetric, in a precision of {@code 24 - log2(step)} digits. */
  static void levels(float[] v, float[] scale, int count, float min, float max, float step) {
    float split = step + 1;
    for (int i = 0; i < count; i++) {
      float quotient = v[i] / scale[i];
      float high = quotient * split;
      float rounded = high + (quotient - high);
      v[i] = Math.min(Math.max(rounded, min), max) + MAGIC;
    }
  }

  /** Converts values to levels, asymmetric, FLOAT32. */
  static void levels(float[] v, float[] scale, float[] zero, int count, float min, float max) {
    for (int i = 0; i < count; i++) {
      v[i] = Math.min(Math.max(v[i] / scale[i] + zero[i], min), max) + MAGIC;
    }
  }

  /** Converts values to levels, asymmetric, in a precision of {@code 24 - log2(step)} digits. */
  static void levels(
      float[] v, float[] scale, float[] zero, int count, float min, float max, float step) {
    float split = step + 1;
    for (int i = 0; i < count; i++) {
      float quotient = v[i] / scale[i];
      float high = quotient * split;
      float rounded = high + (quotient - high);
      float level = Math.min(Math.max(rounded + zero[i], min), max);
      float shifted = level * step;
      v[i] = (level + shifted) - shifted + MAGIC;
    }
  }
}
