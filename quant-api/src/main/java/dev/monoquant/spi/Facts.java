package dev.monoquant.spi;

import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * What was asked for by {@link Scheme#needs}, and nothing else. Immutable; arrays are copied on the
 * way in and out.
 */
public final class Facts {

  /** The most numbers in a {@link #sample()}. */
  public static final int SAMPLE_SIZE = 1 << 16;

  /** Nothing. */
  public static final Facts NONE = new Facts(null, null, null);

  private final @Nullable Range range;
  private final float @Nullable [] sample;
  private final float @Nullable [] columns;

  private Facts(@Nullable Range range, float @Nullable [] sample, float @Nullable [] columns) {
    this.range = range;
    this.sample = sample;
    this.columns = columns;
  }

  /**
   * The extremes of a tensor, as float32; both finite.
   *
   * @param min the least number
   * @param max the greatest number
   */
  public record Range(float min, float max) {}

  /**
   * {@return facts with that range}
   *
   * @param min the least number
   * @param max the greatest number
   */
  public static Facts ofRange(float min, float max) {
    return NONE.withRange(min, max);
  }

  /**
   * How far apart the numbers of a {@link #sample()} are.
   *
   * @param elements numbers of the tensor
   * @return 1 if all of them are the sample, else the least odd step that gives at most {@link
   *     #SAMPLE_SIZE}; odd, so that it does not stay in some columns of the usual widths
   */
  public static long sampleStep(long elements) {
    long step = Math.max(1, (elements + SAMPLE_SIZE - 1) / SAMPLE_SIZE);
    return step % 2 == 0 ? step + 1 : step;
  }

  /**
   * {@return these facts with a range}
   *
   * @param min the least number
   * @param max the greatest number
   */
  public Facts withRange(float min, float max) {
    return new Facts(new Range(min, max), sample, columns);
  }

  /**
   * {@return these facts with a sample}
   *
   * @param numbers every {@link #sampleStep}-th number
   */
  public Facts withSample(float... numbers) {
    return new Facts(range, numbers.clone(), columns);
  }

  /**
   * {@return these facts with statistics of columns}
   *
   * @param statistics one number for each column
   */
  public Facts withColumns(float... statistics) {
    return new Facts(range, sample, statistics.clone());
  }

  /**
   * {@return the range}
   *
   * @throws NoSuchElementException if {@link Need#TENSOR_RANGE} was not asked for
   */
  public Range range() {
    return asked(range, Need.TENSOR_RANGE);
  }

  /**
   * Every {@link #sampleStep}-th number of the tensor in row-major order, the first one included:
   * the same numbers, whatever the tiles and threads of the run. All finite.
   *
   * @return a copy
   * @throws NoSuchElementException if {@link Need#TENSOR_SAMPLE} was not asked for
   */
  public float[] sample() {
    return asked(sample, Need.TENSOR_SAMPLE).clone();
  }

  /**
   * The caller's statistics of the columns, as they are: all finite, their meaning between the
   * caller and the scheme.
   *
   * @return a copy, one number for each column of the weight
   * @throws NoSuchElementException if {@link Need#COLUMN_STATISTICS} was not asked for
   */
  public float[] columns() {
    return asked(columns, Need.COLUMN_STATISTICS).clone();
  }

  private static <T> T asked(@Nullable T fact, Need need) {
    if (fact == null) {
      throw new NoSuchElementException(need + " was not asked for by Scheme.needs");
    }
    return fact;
  }
}
