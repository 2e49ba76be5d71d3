package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.spi.GramMatrix;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The error of outputs, against plain sums over the matrix. */
class OutputErrorsTest {

  private static final int COLS = 7;

  private static GramMatrix gram(float first) {
    return new GramMatrix() {
      @Override
      public int size() {
        return COLS;
      }

      @Override
      public void readRow(int row, float[] into) {
        for (int c = 0; c < COLS; c++) {
          into[c] = row + c == 0 ? first : 1f / (1 + Math.abs(row - c));
        }
      }
    };
  }

  private static float[] numbers(int count, long seed) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private static double square(float[] row) {
    double sum = 0;
    float[] g = new float[COLS];
    for (int i = 0; i < COLS; i++) {
      gram(1).readRow(i, g);
      for (int j = 0; j < COLS; j++) {
        sum += (double) row[i] * g[j] * row[j];
      }
    }
    return sum;
  }

  private static double measured(int rows, int height, float first) {
    float[] original = numbers(rows * COLS, 1);
    float[] decoded = numbers(rows * COLS, 2);
    OutputErrors errors = new OutputErrors(gram(first), rows);
    for (int row = 0; row < rows; row += height) {
      int end = Math.min(rows, row + height);
      errors.add(
          row,
          end - row,
          COLS,
          Arrays.copyOfRange(original, row * COLS, end * COLS),
          Arrays.copyOfRange(decoded, row * COLS, end * COLS));
    }
    return errors.sqnrDb().orElse(Double.NaN);
  }

  @Test
  void itIsTheRatioOfBothSums() {
    for (int rows : new int[] {1, 5, 64}) {
      float[] original = numbers(rows * COLS, 1);
      float[] decoded = numbers(rows * COLS, 2);
      double signal = 0;
      double noise = 0;
      for (int row = 0; row < rows; row++) {
        float[] w = Arrays.copyOfRange(original, row * COLS, (row + 1) * COLS);
        float[] e = w.clone();
        for (int c = 0; c < COLS; c++) {
          e[c] -= decoded[row * COLS + c];
        }
        signal += square(w);
        noise += square(e);
      }
      assertThat(measured(rows, 3, 1)).isCloseTo(10 * Math.log10(signal / noise), within(1e-4));
    }
  }

  @Test
  void tilesDoNotMatterAlsoWhereRowsAreLeftOut() {
    for (int rows : new int[] {64, 65, 200, 1000}) {
      assertThat(measured(rows, 1, 1)).isEqualTo(measured(rows, rows, 1)).isNotNaN();
      assertThat(measured(rows, 17, 1)).isEqualTo(measured(rows, rows, 1));
    }
  }

  @Test
  void aMatrixWithoutARatioGivesNone() {
    assertThat(measured(5, 2, Float.NaN)).isNaN();
    assertThat(measured(5, 2, Float.NEGATIVE_INFINITY)).isNaN();
  }
}
