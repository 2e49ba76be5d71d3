package dev.monoquant.schemes;

import dev.monoquant.spi.GramMatrix;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A Gram matrix of inputs in factors: how the rounding error of a column is made up for by the
 * columns that are rounded after it.
 *
 * <p>With the columns in an order and {@code H = Sᵀ S} for a lower triangular S, the mean square of
 * the output error of one row w of weights that decodes to q is a sum over the columns,
 *
 * <pre>
 *   (w - q) H (w - q)ᵀ = sum over j of S[j][j]² (w[j] - q[j] + sum over i &lt; j of (w[i] - q[i]) F[i][j])²
 *   F[i][j] = S[j][i] / S[j][j]
 * </pre>
 *
 * so that each column in turn is best rounded from {@code w[j]} plus the inner sum. This is GPTQ
 * (Frantar and others, "GPTQ", ICLR 2023) without its inverse; the two are the same (Chee and
 * others, "QuIP", NeurIPS 2023, theorem 6). One factorisation takes K³/6 multiplications and
 * additions of double.
 *
 * <p>Rows of F are stored from the last column backwards, so that all of them begin with the same
 * column and the loops over several of them have one index; the JIT compiler vectorizes those only.
 * 4 bytes for each of K²/2 values, and 8 more while it is made.
 *
 * <p>A column whose inputs were all 0 takes part in nothing: it is rounded to nearest. What is on
 * the diagonal is raised by a share of its mean, so that the factorisation exists where inputs
 * depend on each other. Immutable and thread-safe.
 */
final class InputFactor {

  /** Rows that are eliminated together; they stay in the second-level cache. */
  private static final int BLOCK = 64;

  /** Rows that are added in one loop. */
  private static final int TOGETHER = 8;

  private final int[] order;
  private final float[][] feedback;

  private InputFactor(int[] order, float[][] feedback) {
    this.order = order;
    this.feedback = feedback;
  }

  /**
   * The factor of a matrix, or the reason why there is none.
   *
   * @param factor null if there is none
   * @param failure empty if there is one
   */
  record Made(@Nullable InputFactor factor, String failure) {}

  /**
   * Factorises a matrix.
   *
   * @param gram the mean of x xᵀ; any multiple gives the same factor
   * @param damping the share of the mean diagonal that is added to the diagonal
   * @param ordered whether columns with large mean squares are rounded first
   */
  static Made of(GramMatrix gram, double damping, boolean ordered) {
    float[] diagonal = gram.diagonal();
    double sum = 0;
    int alive = 0;
    for (int i = 0; i < diagonal.length; i++) {
      if (!(diagonal[i] >= 0 && Float.isFinite(diagonal[i]))) {
        return new Made(null, "its diagonal has " + diagonal[i] + " for column " + i);
      }
      sum += diagonal[i];
      alive += diagonal[i] > 0 ? 1 : 0;
    }
    int[] order = order(diagonal, ordered);
    double added = alive == 0 ? 1 : damping * sum / alive;
    double[][] s = read(gram, order, diagonal, added);
    int failed = factorise(s);
    return failed < 0
        ? new Made(new InputFactor(order, feedback(s)), "")
        : new Made(
            null,
            "it is not positive definite at column " + order[failed] + "; more damping helps");
  }

  private static int[] order(float[] diagonal, boolean ordered) {
    IntStream columns = IntStream.range(0, diagonal.length);
    return ordered
        ? columns
            .boxed()
            .sorted(Comparator.comparingDouble((Integer c) -> -diagonal[c]))
            .mapToInt(Integer::intValue)
            .toArray()
        : columns.toArray();
  }

  /** The lower half of the matrix with its columns in order. */
  private static double[][] read(GramMatrix gram, int[] order, float[] diagonal, double added) {
    int size = order.length;
    double[][] s = new double[size][];
    float[] row = new float[size];
    for (int p = 0; p < size; p++) {
      s[p] = new double[p + 1];
      if (diagonal[order[p]] == 0) {
        s[p][p] = 1;
        continue;
      }
      gram.readRow(order[p], row);
      for (int q = 0; q <= p; q++) {
        s[p][q] = diagonal[order[q]] == 0 ? 0 : row[order[q]];
      }
      s[p][p] = diagonal[order[p]] + added;
    }
    return s;
  }

  /**
   * Replaces the lower half of H by S, from the last row up.
   *
   * @return -1, or the column without a positive pivot
   */
  private static int factorise(double[][] s) {
    for (int end = s.length; end > 0; end -= BLOCK) {
      int start = Math.max(0, end - BLOCK);
      for (int j = end - 1; j >= start; j--) {
        double[] row = s[j];
        subtract(s, j + 1, end, row);
        double pivot = row[j];
        if (!(pivot > 0 && pivot < Double.POSITIVE_INFINITY)) {
          return j;
        }
        double root = Math.sqrt(pivot);
        for (int i = 0; i < j; i++) {
          row[i] /= root;
        }
        row[j] = root;
      }
      for (int m = 0; m < start; m++) {
        subtract(s, start, end, s[m]);
      }
    }
    return -1;
  }

  /** Subtracts the parts of the rows from {@code start} to {@code end} from a row before them. */
  private static void subtract(double[][] s, int start, int end, double[] row) {
    int last = row.length - 1;
    int k = start;
    for (; k <= end - TOGETHER; k += TOGETHER) {
      subtract8(row, s, k, last, row.length);
    }
    for (; k < end; k++) {
      subtract1(row, s[k], s[k][last], row.length);
    }
  }

  private static void subtract1(double[] row, double[] other, double factor, int count) {
    for (int i = 0; i < count; i++) {
      row[i] -= factor * other[i];
    }
  }

  private static void subtract8(double[] row, double[][] s, int k, int at, int count) {
    double[] a = s[k];
    double[] b = s[k + 1];
    double[] c = s[k + 2];
    double[] d = s[k + 3];
    double[] e = s[k + 4];
    double[] f = s[k + 5];
    double[] g = s[k + 6];
    double[] h = s[k + 7];
    double fa = a[at];
    double fb = b[at];
    double fc = c[at];
    double fd = d[at];
    double fe = e[at];
    double ff = f[at];
    double fg = g[at];
    double fh = h[at];
    for (int i = 0; i < count; i++) {
      row[i] -=
          ((fa * a[i] + fb * b[i]) + (fc * c[i] + fd * d[i]))
              + ((fe * e[i] + ff * f[i]) + (fg * g[i] + fh * h[i]));
    }
  }

  /** F, its rows from the last column backwards. */
  private static float[][] feedback(double[][] s) {
    int size = s.length;
    float[][] f = new float[size][];
    for (int i = 0; i < size; i++) {
      f[i] = new float[size - 1 - i];
    }
    for (int end = size; end > 0; end -= BLOCK) {
      int start = Math.max(0, end - BLOCK);
      for (int i = 0; i < end - 1; i++) {
        for (int j = end - 1; j >= Math.max(start, i + 1); j--) {
          f[i][size - 1 - j] = (float) (s[j][i] / s[j][j]);
        }
      }
      for (int j = start; j < end; j++) {
        s[j] = new double[0];
      }
    }
    return f;
  }

  /** The number of columns. */
  int size() {
    return order.length;
  }

  /** The column that is rounded as number {@code position}. */
  int column(int position) {
    return order[position];
  }

  /**
   * What an error of 1 in the column rounded as number {@code position} adds to the columns that
   * are rounded after it, the last one first. Not a copy.
   */
  float[] feedback(int position) {
    return feedback[position];
  }
}
