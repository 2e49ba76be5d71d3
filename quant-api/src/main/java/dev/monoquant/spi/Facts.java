package dev.monoquant.spi;

import java.util.Arrays;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The statistics of a tensor that {@link Scheme#needs} requested, and no others. Immutable; arrays
 * are copied on the way in and out.
 */
public final class Facts {

  /** The maximum size of a {@link #sample()}. */
  public static final int SAMPLE_SIZE = 1 << 16;

  /** Nothing. */
  public static final Facts NONE = new Facts(null, null, null, null, null);

  private final @Nullable Range range;
  private final @Nullable Range familyRange;
  private final float @Nullable [] sample;
  private final float @Nullable [] inputSquares;
  private final @Nullable GramMatrix inputGram;

  private Facts(
      @Nullable Range range,
      @Nullable Range familyRange,
      float @Nullable [] sample,
      float @Nullable [] inputSquares,
      @Nullable GramMatrix inputGram) {
    this.range = range;
    this.familyRange = familyRange;
    this.sample = sample;
    this.inputSquares = inputSquares;
    this.inputGram = inputGram;
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
    return new Facts(new Range(min, max), familyRange, sample, inputSquares, inputGram);
  }

  /**
   * {@return these facts with the range of a family}
   *
   * @param min the smallest value
   * @param max the largest value
   */
  public Facts withFamilyRange(float min, float max) {
    return new Facts(range, new Range(min, max), sample, inputSquares, inputGram);
  }

  /**
   * {@return these facts with a sample}
   *
   * @param numbers every {@link #sampleStep}-th value
   */
  public Facts withSample(float... numbers) {
    return new Facts(range, familyRange, numbers.clone(), inputSquares, inputGram);
  }

  /**
   * {@return these facts with the mean squares of inputs}
   *
   * @param squares one number for each column
   */
  public Facts withInputSquares(float... squares) {
    return new Facts(range, familyRange, sample, squares.clone(), inputGram);
  }

  /**
   * {@return these facts with the Gram matrix of inputs}
   *
   * @param gram as wide as the weight
   */
  public Facts withInputGram(GramMatrix gram) {
    return new Facts(range, familyRange, sample, inputSquares, gram);
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
   * The mean square of each column of the layer's inputs. All values are finite and at least 0.
   *
   * @return a copy, one number for each column of the weight; empty if {@link Need#INPUT_SQUARES}
   *     was not requested or the calibration of the run does not have them
   */
  public Optional<float[]> inputSquares() {
    return Optional.ofNullable(inputSquares).map(float[]::clone);
  }

  /**
   * The Gram matrix of the layer's inputs, as wide as the weight. Its values come from a file as
   * they are.
   *
   * @return the matrix, read when it is used; empty if {@link Need#INPUT_GRAM} was not requested or
   *     the calibration of the run does not have it
   */
  public Optional<GramMatrix> inputGram() {
    return Optional.ofNullable(inputGram);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Facts that
        && Objects.equals(range, that.range)
        && Objects.equals(familyRange, that.familyRange)
        && Arrays.equals(sample, that.sample)
        && Arrays.equals(inputSquares, that.inputSquares)
        && Objects.equals(inputGram, that.inputGram);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        range, familyRange, Arrays.hashCode(sample), Arrays.hashCode(inputSquares), inputGram);
  }

  private static <T> T asked(@Nullable T fact, Need need) {
    if (fact == null) {
      throw new NoSuchElementException(need + " was not requested by Scheme.needs");
    }
    return fact;
  }
}
