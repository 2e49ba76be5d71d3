package dev.monoquant.schemes.ggml;

import java.util.Arrays;

/**
 * Finds one scale for some numbers and their codes by weighted least squares, in the three ways of
 * ggml. Sums run from the first number to the last in float32. Stateless.
 */
final class ScaleSearch {

  /** Steps on each side of the first one, and how far apart they are. */
  static final int STEPS = 9;

  static final float STEP = 0.1f;

  private static final int REFINEMENTS = 5;

  private ScaleSearch() {}

  /**
   * Signed codes; the number of the largest magnitude has the least code or one near it.
   *
   * <pre>
   *   for k = 0, -9 .. -1, 1 .. 9:
   *     code = clamp(round(x * -(most + 0.1 k) / largest), -most, most - 1)
   *     fit = (sum of weight x code)^2 / sum of weight code^2     the first greatest wins
   *   scale = sum of weight x code / sum of weight code^2
   * </pre>
   *
   * @param x the numbers
   * @param at the first number
   * @param count how many
   * @param most the magnitude of the least code
   * @param weights the weights
   * @param weightAt the first weight
   * @param codes receives the codes, at the places of the numbers
   * @return the scale; 0, with the least code everywhere, if all magnitudes are negligible
   */
  static float signed(
      float[] x, int at, int count, int most, float[] weights, int weightAt, byte[] codes) {
    float largest = GgmlScheme.largest(x, at, count);
    if (Math.abs(largest) < GgmlScheme.NEGLIGIBLE) {
      Arrays.fill(codes, at, at + count, (byte) -most);
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int n = 0; n <= 2 * STEPS; n++) {
      float inverse = -(most + STEP * step(n)) / largest;
      float product = 0;
      float square = 0;
      for (int i = 0; i < count; i++) {
        float value = x[at + i];
        int code = GgmlScheme.clamp(GgmlScheme.nearest(inverse * value), -most, most - 1);
        float weight = weights[weightAt + i];
        product += weight * value * code;
        square += weight * code * code;
      }
      if (n == 0 || (square > 0 && product * product > best * square)) {
        for (int i = at; i < at + count; i++) {
          int code = GgmlScheme.nearest(inverse * x[i]);
          codes[i] = (byte) GgmlScheme.clamp(code, -most, most - 1);
        }
        scale = square == 0 ? 0 : product / square;
        best = scale * product;
      }
    }
    return scale;
  }

  /** {@return the place of try n from 0 on: 0, -9 to -1, 1 to 9} */
  static int step(int n) {
    return n == 0 ? 0 : n <= STEPS ? n - STEPS - 1 : n - STEPS;
  }

  /**
   * Signed codes, weighted by the squares of the numbers, each code changed alone while that
   * improves the fit.
   *
   * @param x the numbers
   * @param at the first number
   * @param count how many
   * @param most the magnitude of the least code
   * @param codes receives the codes, at the places of the numbers
   * @return the scale; 0, with the least code everywhere, if all magnitudes are negligible
   */
  static float refined(float[] x, int at, int count, int most, byte[] codes) {
    float largest = GgmlScheme.largest(x, at, count);
    if (Math.abs(largest) < GgmlScheme.NEGLIGIBLE) {
      Arrays.fill(codes, at, at + count, (byte) -most);
      return 0;
    }
    float inverse = -most / largest;
    float product = 0;
    float square = 0;
    for (int i = at; i < at + count; i++) {
      int code = GgmlScheme.clamp(GgmlScheme.nearest(inverse * x[i]), -most, most - 1);
      codes[i] = (byte) code;
      float weight = x[i] * x[i];
      product += weight * x[i] * code;
      square += weight * code * code;
    }
    boolean changed = true;
    for (int n = 0; n < REFINEMENTS && changed; n++) {
      changed = false;
      for (int i = at; i < at + count; i++) {
        float weight = x[i] * x[i];
        float ownProduct = product - weight * x[i] * codes[i];
        if (!(ownProduct > 0)) {
          continue;
        }
        float ownSquare = square - weight * codes[i] * codes[i];
        int code = GgmlScheme.nearest(x[i] * ownSquare / ownProduct);
        code = GgmlScheme.clamp(code, -most, most - 1);
        if (code == codes[i]) {
          continue;
        }
        ownProduct += weight * x[i] * code;
        ownSquare += weight * code * code;
        if (ownSquare > 0 && ownProduct * ownProduct * square > product * product * ownSquare) {
          codes[i] = (byte) code;
          product = ownProduct;
          square = ownSquare;
          changed = true;
        }
      }
    }
    return square > 0 ? product / square : 0;
  }

  /**
   * Unsigned codes of numbers that are not negative, first by the least sum of weighted squares of
   * errors over several steps, then each code changed alone while that improves the fit.
   *
   * @param x the numbers, from 0 on
   * @param count how many
   * @param last the greatest code, at most 127
   * @param weights the weights, from 0 on
   * @param codes receives the codes, from 0 on
   * @return the scale; 0, with codes of 0, if all numbers are negligible
   */
  static float unsigned(float[] x, int count, int last, float[] weights, byte[] codes) {
    float greatest = 0;
    for (int i = 0; i < count; i++) {
      greatest = x[i] > greatest ? x[i] : greatest;
    }
    if (greatest < GgmlScheme.NEGLIGIBLE) {
      Arrays.fill(codes, 0, count, (byte) 0);
      return 0;
    }
    float inverse = best(x, count, last, greatest, weights);
    float product = 0;
    float square = 0;
    for (int i = 0; i < count; i++) {
      int code = code(inverse * x[i], last);
      codes[i] = (byte) code;
      product += weights[i] * x[i] * code;
      square += weights[i] * code * code;
    }
    boolean changed = true;
    for (int n = 0; n < REFINEMENTS && changed; n++) {
      changed = false;
      for (int i = 0; i < count; i++) {
        float weight = weights[i];
        float ownProduct = product - weight * x[i] * codes[i];
        float ownSquare = square - weight * codes[i] * codes[i];
        if (!(ownProduct > 0 && ownSquare > 0)) {
          continue;
        }
        int code = code(x[i] * ownSquare / ownProduct, last);
        if (code == codes[i]) {
          continue;
        }
        ownProduct += weight * x[i] * code;
        ownSquare += weight * code * code;
        if (ownProduct * ownProduct * square > product * product * ownSquare) {
          codes[i] = (byte) code;
          product = ownProduct;
          square = ownSquare;
          changed = true;
        }
      }
    }
    return square > 0 ? product / square : 0;
  }

  /** The step with the least error. */
  private static float best(float[] x, int count, int last, float greatest, float[] weights) {
    float best = 0;
    float inverse = 0;
    for (int n = 0; n <= 8; n++) {
      int k = n == 0 ? 0 : n <= 4 ? n - 5 : n - 4;
      float own = k == 0 ? last / greatest : (STEP * k + last) / greatest;
      float scale = 1 / own;
      float error = 0;
      for (int i = 0; i < count; i++) {
        float difference = x[i] - scale * code(own * x[i], last);
        error += weights[i] * difference * difference;
      }
      if (n == 0 || error < best) {
        best = error;
        inverse = own;
      }
    }
    return inverse;
  }

  private static int code(float x, int last) {
    return GgmlScheme.clamp(GgmlScheme.nearest(x), 0, last);
  }
}
