package dev.monoquant.spi;

import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * What was asked for by {@link Scheme#needs}.
 *
 * @param tensorRange the range of the tensor, if {@link Need#TENSOR_RANGE} was asked for
 */
public record Facts(Optional<Range> tensorRange) {

  /** Nothing. */
  public static final Facts NONE = new Facts(Optional.empty());

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
    return new Facts(Optional.of(new Range(min, max)));
  }

  /**
   * {@return the range}
   *
   * @throws NoSuchElementException if it was not asked for
   */
  public Range range() {
    return tensorRange.orElseThrow(
        () -> new NoSuchElementException("the range was not asked for by Scheme.needs"));
  }
}
