package dev.monoquant.testkit.data;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.Need;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * A small weight: its shape, its type and its values, which the type represents exactly. Immutable.
 *
 * <p>{@link #toString()} is the call that makes it, to paste into a test after a failure.
 */
public final class WeightSample {

  private final String recipe;
  private final WeightMatrix rows;
  private final float[] values;

  private WeightSample(String recipe, WeightMatrix rows, float[] values) {
    this.recipe = recipe;
    this.rows = rows;
    this.values = values;
  }

  /**
   * The weight of a linear layer, filled with a pattern. The same arguments give the same values in
   * every JVM, and a row of a sample does not depend on the number of rows.
   *
   * @param pattern how to fill it
   * @param type FLOAT16, BFLOAT16, FLOAT32 or FLOAT64
   * @param rows at least 1
   * @param cols at least 1
   * @param seed any number
   * @return the sample
   */
  public static WeightSample of(
      ValuePattern pattern, ElementType type, int rows, int cols, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    float[] values = new float[Math.multiplyExact(rows, cols)];
    for (int i = 0; i < values.length; i++) {
      values[i] = Representable.clamp(type, pattern.at(random, i / cols, i % cols));
    }
    String recipe =
        "WeightSample.of(ValuePattern.%s, ElementType.%s, %d, %d, %dL)"
            .formatted(pattern, type, rows, cols, seed);
    return new WeightSample(recipe, linear(type, rows, cols), values);
  }

  /**
   * Small weights for a plain loop over laws, without a test engine: each pattern in each element
   * type, as one row, as a single value, and with an odd number of columns.
   *
   * @return the samples, the same every time
   */
  public static List<WeightSample> all() {
    List<WeightSample> all = new ArrayList<>();
    for (ValuePattern pattern : ValuePattern.values()) {
      for (ElementType type : ElementType.values()) {
        if (type.isQuantizable()) {
          all.add(of(pattern, type, 5, 12, 3));
        }
      }
      all.add(of(pattern, ElementType.FLOAT32, 1, 1, 1));
      all.add(of(pattern, ElementType.FLOAT32, 1, 9, 2));
      all.add(of(pattern, ElementType.FLOAT32, 3, 7, 4));
    }
    return all;
  }

  /**
   * The weight of a linear layer with given values.
   *
   * @param type FLOAT16, BFLOAT16, FLOAT32 or FLOAT64; it must represent all values
   * @param rows at least 1
   * @param cols at least 1
   * @param values row-major, {@code rows * cols} finite values; copied
   * @return the sample
   * @throws IllegalArgumentException if the count is wrong, or the type does not represent a value
   */
  public static WeightSample of(ElementType type, int rows, int cols, float... values) {
    if (values.length != Math.multiplyExact(rows, cols)) {
      throw new IllegalArgumentException(
          "%d numbers for %d rows of %d columns".formatted(values.length, rows, cols));
    }
    for (float value : values) {
      if (!Float.isFinite(value) || !Representable.isIn(type, value)) {
        throw new IllegalArgumentException(type.wire() + " has no finite number " + value);
      }
    }
    String numbers = Arrays.toString(values).replace("[", "").replace("]", "");
    String recipe =
        "WeightSample.of(ElementType.%s, %d, %d, new float[] {%s})"
            .formatted(type, rows, cols, numbers);
    return new WeightSample(recipe, linear(type, rows, cols), values.clone());
  }

  private static WeightMatrix linear(ElementType type, int rows, int cols) {
    if (!type.isQuantizable() || rows < 1 || cols < 1) {
      throw new IllegalArgumentException(
          "a weight has at least one row and column of F16, BF16, F32 or F64, not %d x %d of %s"
              .formatted(rows, cols, type.wire()));
    }
    TensorShape shape = TensorShape.of(rows, cols);
    TensorInfo tensor = new TensorInfo("sample.weight", type, shape);
    return new WeightMatrix("sample", LayerKind.LINEAR, "weight", tensor, 0);
  }

  /**
   * The same values with another description of the matrix, such as that of a convolution.
   *
   * @param other the description; the same number of rows and columns, the same element type
   * @return the sample
   */
  public WeightSample as(WeightMatrix other) {
    requireNonNull(other, "other");
    if (other.rowCount() != rows.rowCount()
        || other.columnCount() != rows.columnCount()
        || other.tensor().type() != rows.tensor().type()) {
      throw new IllegalArgumentException(other + " does not describe " + this);
    }
    return new WeightSample(recipe + ".as(" + other + ")", other, values);
  }

  /** {@return the weight matrix} */
  public WeightMatrix rows() {
    return rows;
  }

  /** {@return the element type of the weight} */
  public ElementType type() {
    return rows.tensor().type();
  }

  /** {@return the number of rows} */
  public int height() {
    return Math.toIntExact(rows.rowCount());
  }

  /** {@return the number of columns} */
  public int cols() {
    return Math.toIntExact(rows.columnCount());
  }

  /** {@return a copy of the values, row-major} */
  public float[] values() {
    return values.clone();
  }

  /**
   * {@return a copy of the values of some rows}
   *
   * @param firstRow the first row
   * @param count the number of rows
   */
  public float[] values(int firstRow, int count) {
    return Arrays.copyOfRange(values, firstRow * cols(), (firstRow + count) * cols());
  }

  /**
   * Exactly the requested facts about the whole tensor; it has no family.
   *
   * @param needs the requested facts
   * @return the facts; those of inputs are of columns that depend on each other
   */
  public Facts facts(Set<Need> needs) {
    Facts facts = Facts.NONE;
    float min = values[0];
    float max = values[0];
    for (float value : values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    if (needs.contains(Need.TENSOR_RANGE)) {
      facts = facts.withRange(min, max);
    }
    if (needs.contains(Need.FAMILY_RANGE)) {
      facts = facts.withFamilyRange(min, max);
    }
    if (needs.contains(Need.TENSOR_SAMPLE)) {
      int step = Math.toIntExact(Facts.sampleStep(values.length));
      float[] sample = new float[(values.length + step - 1) / step];
      for (int i = 0; i < sample.length; i++) {
        sample[i] = values[i * step];
      }
      facts = facts.withSample(sample);
    }
    if (needs.contains(Need.INPUT_SQUARES)) {
      facts = facts.withInputSquares(inputs().diagonal());
    }
    return needs.contains(Need.INPUT_GRAM) ? facts.withInputGram(inputs()) : facts;
  }

  /**
   * The Gram matrix of inputs of unlike columns that depend on each other: column i has the mean
   * square 1 + i % 5, and columns i and j the mean product 1 / (1 + |i - j|) of what is equal.
   */
  private GramMatrix inputs() {
    int cols = cols();
    return new GramMatrix() {
      @Override
      public int size() {
        return cols;
      }

      @Override
      public void readRow(int row, float[] into) {
        for (int c = 0; c < cols; c++) {
          double both = Math.sqrt((1 + row % 5) * (1 + c % 5));
          into[c] = (float) (both / (1 + Math.abs(row - c)));
        }
      }
    };
  }

  /** {@return the Java expression that makes this sample} */
  @Override
  public String toString() {
    return recipe;
  }
}
