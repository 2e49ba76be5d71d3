package dev.monoquant.schemes.ggml;

import java.util.Arrays;

/**
 * {@link ScaleSearch#signed} for many groups side by side, value i of all of them next to each
 * other, in loops that C2 vectorizes; with the same results. Not thread-safe.
 */
final class SignedSearch {

  /** Groups side by side: their values fit in the second-level cache, their sums in the first. */
  private static final int MANY = 256;

  private static final float MAGIC = 0x1.8p23f;

  private final int size;
  private final int most;
  private final float[][] values;
  private final float[][] shares;
  private final float[][] products;
  private final float[] largest = new float[MANY];
  private final float[] inverse = new float[MANY];
  private final float[] product = new float[MANY];
  private final float[] square = new float[MANY];
  private final float[] scale = new float[MANY];
  private final float[] best = new float[MANY];
  private final float[] bestInverse = new float[MANY];

  /**
   * @param size values of a group
   * @param most the magnitude of the least code
   */
  SignedSearch(int size, int most) {
    this.size = size;
    this.most = most;
    this.values = new float[size][MANY];
    this.shares = new float[size][MANY];
    this.products = new float[size][MANY];
  }

  /**
   * Searches for the scales of groups that follow each other.
   *
   * @param x the values
   * @param at the first value of the first group
   * @param weights the weights of all values, from 0 on
   * @param groups how many groups
   * @param codes receives the codes, at the places of the values
   * @param scales receives a scale for each group; 0, with the least code everywhere, if all
   *     magnitudes are negligible
   */
  void groups(float[] x, int at, float[] weights, int groups, byte[] codes, float[] scales) {
    for (int first = 0; first < groups; first += MANY) {
      int count = Math.min(MANY, groups - first);
      gather(x, at + first * size, weights, first * size, count);
      search(count);
      for (int g = 0; g < count; g++) {
        int start = at + (first + g) * size;
        if (Math.abs(largest[g]) < GgmlScheme.NEGLIGIBLE) {
          Arrays.fill(codes, start, start + size, (byte) -most);
          scales[first + g] = 0;
          continue;
        }
        for (int i = start; i < start + size; i++) {
          int code = GgmlScheme.nearest(bestInverse[g] * x[i]);
          codes[i] = (byte) GgmlScheme.clamp(code, -most, most - 1);
        }
        scales[first + g] = scale[g];
      }
    }
  }

  private void gather(float[] x, int at, float[] weights, int w, int count) {
    for (int g = 0; g < count; g++) {
      int from = g * size;
      for (int i = 0; i < size; i++) {
        float value = x[at + from + i];
        float weight = weights[w + from + i];
        values[i][g] = value;
        shares[i][g] = weight;
        products[i][g] = weight * value;
      }
      largest[g] = GgmlScheme.largest(x, at + from, size);
    }
  }

  private void search(int count) {
    for (int n = 0; n <= 2 * ScaleSearch.STEPS; n++) {
      float levels = -(most + ScaleSearch.STEP * ScaleSearch.step(n));
      for (int g = 0; g < count; g++) {
        inverse[g] = levels / largest[g];
      }
      Arrays.fill(product, 0);
      Arrays.fill(square, 0);
      for (int i = 0; i < size; i++) {
        sum(values[i], shares[i], products[i], inverse, -most, most - 1, product, square, count);
      }
      for (int g = 0; g < count; g++) {
        if (n == 0 || (square[g] > 0 && product[g] * product[g] > best[g] * square[g])) {
          scale[g] = square[g] == 0 ? 0 : product[g] / square[g];
          best[g] = scale[g] * product[g];
          bestInverse[g] = inverse[g];
        }
      }
    }
  }

  private static void sum(
      float[] value,
      float[] share,
      float[] weighted,
      float[] inverse,
      float least,
      float greatest,
      float[] product,
      float[] square,
      int count) {
    for (int g = 0; g < count; g++) {
      // No magnitude is beyond that of the least code by more than a step.
      float code = inverse[g] * value[g] + MAGIC - MAGIC;
      float level = Math.min(Math.max(code, least), greatest);
      product[g] += weighted[g] * level;
      square[g] += share[g] * level * level;
    }
  }
}
