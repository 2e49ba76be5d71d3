package dev.monoquant.core.edit;

import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The statistics of inputs that are divided by factors: mean squares by their squares, a Gram
 * matrix by the products of those of its row and column. What is divided is another calibration,
 * with the same digest. The range of divided inputs is known where those of columns are.
 */
final class ScaledCalibration implements Calibration {

  private final Calibration inner;

  /** By the name of the layer in the calibration. */
  private final Map<String, InputStatistics> scaled = new HashMap<>();

  ScaledCalibration(Calibration inner, List<Scaled> all) {
    this.inner = inner;
    for (Scaled one : all) {
      for (var side : one.place().multiplied()) {
        inner
            .find(Calibration.layerOf(side.tensor().name()))
            .ifPresent(found -> scaled.put(found.layer(), divide(found, one.factors())));
      }
    }
  }

  private static InputStatistics divide(InputStatistics found, float[] factors) {
    InputStatistics divided = InputStatistics.of(found.layer());
    if (found.rows().isPresent()) {
      divided = divided.withRows(found.rows().getAsLong());
    }
    if (found.columns().isEmpty() || found.columns().getAsInt() != factors.length) {
      return divided;
    }
    if (found.gram().isPresent()) {
      divided = divided.withGram(new Divided(found.gram().get(), factors));
    } else {
      divided = divided.withMeanSquares(squares(found.meanSquares().orElseThrow(), factors));
    }
    if (found.columnLeast().filter(least -> least.length == factors.length).isPresent()) {
      float[] least = divided(found.columnLeast().get(), factors);
      float[] greatest = divided(found.columnGreatest().orElseThrow(), factors);
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (int c = 0; c < factors.length; c++) {
        low = Math.min(low, least[c]);
        high = Math.max(high, greatest[c]);
      }
      divided = divided.withColumnRanges(least, greatest).withRange(low, high);
    }
    return divided;
  }

  private static float[] divided(float[] numbers, float[] factors) {
    for (int c = 0; c < numbers.length; c++) {
      numbers[c] /= factors[c];
    }
    return numbers;
  }

  private static float[] squares(float[] squares, float[] factors) {
    for (int c = 0; c < squares.length; c++) {
      squares[c] = (float) (squares[c] / ((double) factors[c] * factors[c]));
    }
    return squares;
  }

  private static final class Divided implements GramMatrix {
    private final GramMatrix inner;
    private final float[] factors;

    Divided(GramMatrix inner, float[] factors) {
      this.inner = inner;
      this.factors = factors;
    }

    @Override
    public int size() {
      return factors.length;
    }

    @Override
    public void readRow(int row, float[] into) {
      inner.readRow(row, into);
      for (int c = 0; c < factors.length; c++) {
        // The product is the same for a row and its column, so that the matrix stays symmetric.
        into[c] = (float) (into[c] / ((double) factors[row] * factors[c]));
      }
    }

    @Override
    public float[] diagonal() {
      return squares(inner.diagonal(), factors);
    }
  }

  @Override
  public String describe() {
    return inner.describe();
  }

  @Override
  public String digest() {
    return inner.digest();
  }

  @Override
  public Set<String> layers() {
    return inner.layers();
  }

  @Override
  public Optional<InputStatistics> find(String layer) {
    return inner.find(layer).map(found -> scaled.getOrDefault(found.layer(), found));
  }

  /** The caller closes the calibration that is divided. */
  @Override
  public void close() {}
}
