package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What was measured of the inputs of one layer while a model ran on samples. Every statistic is
 * optional. Columns are those of the layer's {@linkplain dev.monoquant.model.WeightMatrix weight
 * matrix}: the input features of a linear layer; for a convolution, the input channels of a group
 * times the size of the kernel, in the order of the weight's memory.
 *
 * <p>Immutable; arrays are copied on the way in and out. A {@link GramMatrix} is read only when it
 * is used.
 */
public final class InputStatistics {

  private final String layer;
  private final OptionalLong rows;
  private final Optional<Facts.Range> range;
  private final float @Nullable [] meanSquares;
  private final Optional<GramMatrix> gram;
  private final float @Nullable [][] columnRanges;

  private InputStatistics(
      String layer,
      OptionalLong rows,
      Optional<Facts.Range> range,
      float @Nullable [] meanSquares,
      Optional<GramMatrix> gram,
      float @Nullable [][] columnRanges) {
    this.columnRanges = columnRanges;
    this.layer = layer;
    this.rows = rows;
    this.range = range;
    this.meanSquares = meanSquares;
    this.gram = gram;
    if (meanSquares != null && gram.isPresent() && gram.get().size() != meanSquares.length) {
      throw new ConfigurationException(
          quoted()
              + ": mean squares of "
              + meanSquares.length
              + " columns and a Gram matrix of "
              + gram.get().size()
              + "; both are for the same columns");
    }
  }

  /**
   * {@return statistics without any value}
   *
   * @param layer the layer as the calibration names it
   */
  public static InputStatistics of(String layer) {
    return new InputStatistics(
        layer, OptionalLong.empty(), Optional.empty(), null, Optional.empty(), null);
  }

  /**
   * {@return these statistics with the number of rows that were seen}
   *
   * @param count the rows (tokens, positions) of all samples, at least 1
   * @throws ConfigurationException if it is less
   */
  public InputStatistics withRows(long count) {
    if (count < 1) {
      throw new ConfigurationException(quoted() + ": " + count + " rows; at least 1 is allowed");
    }
    return new InputStatistics(
        layer, OptionalLong.of(count), range, meanSquares, gram, columnRanges);
  }

  /**
   * {@return these statistics with the range of the inputs}
   *
   * @param min the smallest input
   * @param max the largest input
   * @throws ConfigurationException if one is not finite, or they are not in order
   */
  public InputStatistics withRange(float min, float max) {
    if (!(Float.isFinite(min) && Float.isFinite(max) && min <= max)) {
      throw new ConfigurationException(
          quoted()
              + ": a range from "
              + min
              + " to "
              + max
              + "; finite numbers in order are allowed");
    }
    return new InputStatistics(
        layer, rows, Optional.of(new Facts.Range(min, max)), meanSquares, gram, columnRanges);
  }

  /**
   * {@return these statistics with the mean square of each column}
   *
   * @param squares one value for each column
   * @throws ConfigurationException if one is negative or not finite
   */
  public InputStatistics withMeanSquares(float... squares) {
    requireSquares(squares, "");
    return new InputStatistics(layer, rows, range, squares.clone(), gram, columnRanges);
  }

  /**
   * {@return these statistics with a Gram matrix}
   *
   * @param matrix the mean of x xᵀ
   * @throws ConfigurationException if it is not as wide as the mean squares
   */
  public InputStatistics withGram(GramMatrix matrix) {
    return new InputStatistics(layer, rows, range, meanSquares, Optional.of(matrix), columnRanges);
  }

  /**
   * {@return these statistics with the range of each column}
   *
   * @param least the least number of each column
   * @param greatest the greatest number of each column
   * @throws ConfigurationException if there are not as many of both, or of other statistics; or if
   *     one is not finite, or they are not in order
   */
  public InputStatistics withColumnRanges(float[] least, float[] greatest) {
    if (least.length != greatest.length || least.length != columns().orElse(least.length)) {
      throw new ConfigurationException(
          quoted()
              + ": least numbers of "
              + least.length
              + " columns and greatest of "
              + greatest.length
              + "; both are for the columns of the other statistics");
    }
    for (int c = 0; c < least.length; c++) {
      if (!(Float.isFinite(least[c]) && Float.isFinite(greatest[c]) && least[c] <= greatest[c])) {
        throw new ConfigurationException(
            quoted()
                + ": column "
                + c
                + " from "
                + least[c]
                + " to "
                + greatest[c]
                + "; finite numbers in order are allowed");
      }
    }
    return new InputStatistics(
        layer, rows, range, meanSquares, gram, new float[][] {least.clone(), greatest.clone()});
  }

  /** {@return a copy of the least number of each column; empty if it was not measured} */
  public Optional<float[]> columnLeast() {
    return columnRanges == null ? Optional.empty() : Optional.of(columnRanges[0].clone());
  }

  /** {@return a copy of the greatest number of each column; empty if it was not measured} */
  public Optional<float[]> columnGreatest() {
    return columnRanges == null ? Optional.empty() : Optional.of(columnRanges[1].clone());
  }

  /** {@return the layer as the calibration names it} */
  public String layer() {
    return layer;
  }

  /** {@return the columns of the mean squares and the Gram matrix; empty without both} */
  public OptionalInt columns() {
    if (meanSquares != null) {
      return OptionalInt.of(meanSquares.length);
    }
    return gram.isPresent() ? OptionalInt.of(gram.get().size()) : OptionalInt.empty();
  }

  /** {@return how many rows were seen} */
  public OptionalLong rows() {
    return rows;
  }

  /** {@return the smallest and the largest input} */
  public Optional<Facts.Range> range() {
    return range;
  }

  /**
   * {@return a copy of the mean square of each column; the Gram matrix's diagonal if only that}
   *
   * @throws ConfigurationException if the diagonal has a number that is negative or not finite
   */
  public Optional<float[]> meanSquares() {
    Optional<float[]> squares = squaresOrDiagonal();
    if (meanSquares == null) {
      squares.ifPresent(
          diagonal -> requireSquares(diagonal, ", on the diagonal of its Gram matrix"));
    }
    return squares;
  }

  /** As {@link #meanSquares()}, but a diagonal is not checked. */
  Optional<float[]> squaresOrDiagonal() {
    return meanSquares == null ? gram.map(GramMatrix::diagonal) : Optional.of(meanSquares.clone());
  }

  /** {@return the mean of x xᵀ} */
  public Optional<GramMatrix> gram() {
    return gram;
  }

  private void requireSquares(float[] squares, String where) {
    for (int c = 0; c < squares.length; c++) {
      if (!(squares[c] >= 0 && Float.isFinite(squares[c]))) {
        throw new ConfigurationException(
            quoted()
                + ": the mean square "
                + squares[c]
                + " of column "
                + c
                + where
                + "; finite numbers from 0 on are allowed");
      }
    }
  }

  private String quoted() {
    return "the statistics of layer " + QuantException.quote(layer);
  }
}
