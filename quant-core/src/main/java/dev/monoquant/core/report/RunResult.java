package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * The result of running one model.
 *
 * @param name the model, for messages
 * @param fileBytes bytes of its file
 * @param medianNanos the median of the times of one call, all inputs together, in nanoseconds
 * @param fastestNanos the smallest time of one call
 * @param spread the variation between rounds
 * @param loadNanos the time of loading its file; for the first model it includes the one-time
 *     initialisation of the engine
 * @param firstNanos the time of its first two calls, during which the engine compiles it
 * @param outputs the errors of its outputs against those of the reference, over all values that are
 *     finite in both
 * @param floats the same over outputs of floating point types alone: a different class index is not
 *     an error with a magnitude
 * @param mismatched the number of values that are finite in only one of them, or differ in being
 *     NaN, positive or negative infinity
 * @param pairs some outputs of the reference and of this model, evenly spread over all that are
 *     finite in both, at most {@value #MAX_PAIRS}; not in the JSON forms
 */
public record RunResult(
    String name,
    long fileBytes,
    long medianNanos,
    long fastestNanos,
    Spread spread,
    long loadNanos,
    long firstNanos,
    ErrorStatistics outputs,
    ErrorStatistics floats,
    long mismatched,
    List<Pair> pairs) {

  /** The maximum number of pairs. */
  public static final int MAX_PAIRS = 1000;

  /**
   * One number of the outputs.
   *
   * @param reference the number that the reference computed, finite
   * @param result the number that this model computed, finite
   */
  public record Pair(double reference, double result) {}

  /**
   * The variation between rounds.
   *
   * @param slowestNanos the greatest time of one call
   * @param lowSpeedup the speed-up over the reference that a quarter of the rounds do not reach
   * @param highSpeedup the speed-up that a quarter of the rounds exceed
   */
  public record Spread(long slowestNanos, double lowSpeedup, double highSpeedup) {}

  /** Checks that nothing is null, and the number of pairs. */
  public RunResult {
    requireNonNull(name, "name");
    requireNonNull(spread, "spread");
    requireNonNull(outputs, "outputs");
    requireNonNull(floats, "floats");
    pairs = List.copyOf(pairs);
    if (pairs.size() > MAX_PAIRS) {
      throw new IllegalArgumentException(pairs.size() + " pairs, at most " + MAX_PAIRS);
    }
  }
}
