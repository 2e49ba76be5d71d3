package dev.monoquant.core.run;

import dev.monoquant.spi.GramMatrix;

/** The quadratic form {@code v G vᵀ} of rows v with a Gram matrix, which is read once. */
public final class GramProduct {

  /** Rows of the matrix that are added in one loop. */
  private static final int TOGETHER = 4;

  private GramProduct() {}

  /**
   * Multiplies rows and adds up their forms.
   *
   * @param gram as wide as the rows
   * @param groups rows, in groups
   * @return the sum of {@code v G vᵀ} over the rows v of each group
   */
  public static double[] sums(GramMatrix gram, float[][]... groups) {
    int cols = gram.size();
    float[][][] products = new float[groups.length][][];
    for (int g = 0; g < groups.length; g++) {
      products[g] = new float[groups[g].length][cols];
    }
    float[][] some = new float[TOGETHER][cols];
    for (int i = 0; i < cols; i += TOGETHER) {
      int count = Math.min(TOGETHER, cols - i);
      for (int k = 0; k < count; k++) {
        gram.readRow(i + k, some[k]);
      }
      for (int g = 0; g < groups.length; g++) {
        for (int row = 0; row < groups[g].length; row++) {
          add(products[g][row], groups[g][row], i, count, some);
        }
      }
    }
    double[] sums = new double[groups.length];
    for (int g = 0; g < groups.length; g++) {
      sums[g] = sum(groups[g], products[g]);
    }
    return sums;
  }

  private static void add(float[] to, float[] row, int from, int count, float[][] some) {
    float a = row[from];
    float b = count > 1 ? row[from + 1] : 0;
    float c = count > 2 ? row[from + 2] : 0;
    float d = count > 3 ? row[from + 3] : 0;
    float[] ga = some[0];
    float[] gb = some[1];
    float[] gc = some[2];
    float[] gd = some[3];
    for (int i = 0; i < to.length; i++) {
      to[i] += (a * ga[i] + b * gb[i]) + (c * gc[i] + d * gd[i]);
    }
  }

  private static double sum(float[][] rows, float[][] products) {
    double sum = 0;
    for (int row = 0; row < rows.length; row++) {
      for (int c = 0; c < rows[row].length; c++) {
        sum += (double) rows[row][c] * products[row][c];
      }
    }
    return sum;
  }
}
