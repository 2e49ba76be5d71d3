package dev.monoquant.spi;

import java.util.Arrays;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The statistics of a tensor that {@link Scheme#needs} requested, and no others. Immutable; arrays
 * are copied on the way in and out.
 */
public final class Facts {

  /** The maximum size of a {@link #sample()}. */
  public static final int SAMPLE_SIZE = 1 << 16;

  /** Nothing. */
  public static final Facts NONE = new Facts(null, null, null, null);

  private final @Nullable Range range;
  private final @Nullable Range familyRange;
  private final float @Nullable [] sample;
  private final float @Nullable [] columns;

  private Facts(
      @Nullable Range range,
      @Nullable Range familyRange,
      float @Nullable [] sample,
      float @Nullable [] columns) {
    this.range = range;
    this.familyRange = familyRange;
    this.sample = sample;
    this.columns = columns;
  }

  /**
   * The extremes of a tensor, as float32; both finite.
   *
   * @param min the smallest value
   * @param max the largest value
   */
  public record Range(float min, float max) {}

  /**
   * {@return facts with a range}
   *
   * @param min the smallest value
   * @param max the largest value
   */
  public static Facts ofRange(float min, float max) {
    return NONE.withRange(min, max);
  }

  /**
   * The distance between the values of a {@link #sample()}.
   *
   * @param elements elements of the tensor
   * @return 1 if the sample is the whole tensor, otherwise the smallest odd step that gives at most
   *     {@link #SAMPLE_SIZE} values; odd, so that the sample does not stay in a few columns for
   *     usual widths
   */
  public static long sampleStep(long elements) {
    long step = Math.max(1, (elements + SAMPLE_SIZE - 1) / SAMPLE_SIZE);
    return step % 2 == 0 ? step + 1 : step;
  }

  /**
   * {@return these facts with a range}
   *
   * @param min the smallest value
   * @param max the largest value
   */
  public Facts withRange(float min, float max) {
    return new Facts(new Range(min, max), familyRange, sample, columns);
  }

  /**
   * {@return these facts with the range of a family}
   *
   * @param min the smallest value
   * @param max the largest value
   */
  public Facts withFamilyRange(float min, float max) {
    return new Facts(range, new Range(min, max), sample, columns);
  }

  /**
   * {@return these facts with a sample}
   *
   * @param numbers every {@link #sampleStep}-th value
   */
  public Facts withSample(float... numbers) {
    return new Facts(range, familyRange, numbers.clone(), columns);
  }

  /**
   * {@return these facts with statistics of columns}
   *
   * @param statistics one number for each column
   */
  public Facts withColumns(float... statistics) {
    return new Facts(range, familyRange, sample, statistics.clone());
  }

  /**
   * {@return the range}
   *
   * @throws NoSuchElementException if {@link Need#TENSOR_RANGE} was not requested
   */
  public Range range() {
    return asked(range, Need.TENSOR_RANGE);
  }

  /**
   * The range of the tensor and of all that a loader merges with it, such as q, k and v of an
   * attention layer; that of the tensor if it is merged with none.
   *
   * @return the range
   * @throws NoSuchElementException if {@link Need#FAMILY_RANGE} was not requested
   */
  public Range familyRange() {
    return asked(familyRange, Need.FAMILY_RANGE);
  }

  /**
   * Every {@link #sampleStep}-th value of the tensor in row-major order, starting with the first.
   * Independent of the tiles and threads of the run. All values are finite.
   *
   * @return a copy
   * @throws NoSuchElementException if {@link Need#TENSOR_SAMPLE} was not requested
   */
  public float[] sample() {
    return asked(sample, Need.TENSOR_SAMPLE).clone();
  }

  /**
   * The caller's statistics of the columns, unchanged. All values are finite; the caller and the
   * scheme agree on their meaning.
   *
   * @return a copy, one number for each column of the weight
   * @throws NoSuchElementException if {@link Need#COLUMN_STATISTICS} was not requested
   */
  public float[] columns() {
    return asked(columns, Need.COLUMN_STATISTICS).clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Facts that
        && Objects.equals(range, that.range)
        && Objects.equals(familyRange, that.familyRange)
        && Arrays.equals(sample, that.sample)
        && Arrays.equals(columns, that.columns);
  }

  @Override
  public int hashCode() {
    return Objects.hash(range, familyRange, Arrays.hashCode(sample), Arrays.hashCode(columns));
  }

  private static <T> T asked(@Nullable T fact, Need need) {
    if (fact == null) {
      throw new NoSuchElementException(need + " was not requested by Scheme.needs");
    }
    return fact;
  }
}
