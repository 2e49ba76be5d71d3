package dev.monoquant.core.edit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.ScaleFold.Side;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Statistics of divided inputs are those that divided inputs have. */
class ScaledCalibrationTest {

  private static Scaled scaled(float... factors) {
    TensorInfo norm =
        new TensorInfo("norm.weight", ElementType.FLOAT32, TensorShape.of(factors.length));
    TensorInfo weight =
        new TensorInfo("q.weight", ElementType.FLOAT32, TensorShape.of(2, factors.length));
    return new Scaled(
        new Place("norm", List.of(new Side(norm, 0, 0)), List.of(new Side(weight, 1, 0)), true),
        factors,
        0.5,
        1);
  }

  /** The Gram matrix of rows. */
  private static GramMatrix gram(double[][] rows) {
    return new GramMatrix() {
      @Override
      public int size() {
        return rows[0].length;
      }

      @Override
      public void readRow(int row, float[] into) {
        for (int c = 0; c < size(); c++) {
          double sum = 0;
          for (double[] x : rows) {
            sum += x[row] * x[c];
          }
          into[c] = (float) (sum / rows.length);
        }
      }
    };
  }

  @Property(tries = 50)
  void statisticsAreThoseOfDividedInputs(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 7) int columns) {
    Random random = new Random(seed);
    float[] factors = new float[columns];
    double[][] rows = new double[5][columns];
    double[][] divided = new double[5][columns];
    for (int c = 0; c < columns; c++) {
      factors[c] = (float) Math.exp(random.nextGaussian());
      for (int i = 0; i < rows.length; i++) {
        rows[i][c] = random.nextGaussian();
        divided[i][c] = rows[i][c] / factors[c];
      }
    }
    GramMatrix expected = gram(divided);
    InputStatistics found =
        new ScaledCalibration(
                MeasuredInputs.of(
                    InputStatistics.of("q").withRows(5).withRange(-9, 9).withGram(gram(rows)),
                    InputStatistics.of("k").withGram(gram(rows))),
                List.of(scaled(factors)))
            .find("q")
            .orElseThrow();
    float[] row = new float[columns];
    float[] other = new float[columns];
    for (int i = 0; i < columns; i++) {
      found.gram().orElseThrow().readRow(i, row);
      expected.readRow(i, other);
      for (int c = 0; c < columns; c++) {
        assertThat(row[c]).isCloseTo(other[c], within(1e-5f * (1 + Math.abs(other[c]))));
      }
      assertThat(found.meanSquares().orElseThrow()[i])
          .isCloseTo(other[i], within(1e-5f * (1 + other[i])));
    }
    assertThat(found.rows()).hasValue(5);
    assertThat(found.range()).isEmpty();
  }

  @Example
  void theRangeIsThatOfDividedColumns() {
    InputStatistics found =
        new ScaledCalibration(
                MeasuredInputs.of(
                    InputStatistics.of("q")
                        .withRange(-9, 90)
                        .withMeanSquares(1, 1)
                        .withColumnRanges(new float[] {-8, -9}, new float[] {2, 90})),
                List.of(scaled(0.5f, 30)))
            .find("q")
            .orElseThrow();
    assertThat(found.columnLeast().orElseThrow()).containsExactly(-16, -0.3f);
    assertThat(found.columnGreatest().orElseThrow()).containsExactly(4, 3);
    assertThat(found.range().orElseThrow().min()).isEqualTo(-16);
    assertThat(found.range().orElseThrow().max()).isEqualTo(4);
  }

  @Example
  void otherLayersAndTheDigestDoNotChange() {
    MeasuredInputs inner =
        MeasuredInputs.of(
            InputStatistics.of("q").withMeanSquares(4, 4), InputStatistics.of("k").withRange(0, 1));
    ScaledCalibration scaled = new ScaledCalibration(inner, List.of(scaled(2, 4)));
    assertThat(scaled.find("k")).isEqualTo(inner.find("k"));
    assertThat(scaled.find("q").orElseThrow().meanSquares().orElseThrow()).containsExactly(1, .25f);
    assertThat(scaled.digest()).isEqualTo(inner.digest());
    assertThat(scaled.layers()).isEqualTo(inner.layers());
    assertThat(scaled.describe()).isEqualTo(inner.describe());
  }
}
