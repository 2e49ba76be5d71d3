package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

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
    long mismatched) {

  /**
   * The variation between rounds.
   *
   * @param slowestNanos the greatest time of one call
   * @param lowSpeedup the speed-up over the reference that a quarter of the rounds do not reach
   * @param highSpeedup the speed-up that a quarter of the rounds exceed
   */
  public record Spread(long slowestNanos, double lowSpeedup, double highSpeedup) {}

  /** Checks that nothing is null. */
  public RunResult {
    requireNonNull(name, "name");
    requireNonNull(spread, "spread");
    requireNonNull(outputs, "outputs");
    requireNonNull(floats, "floats");
  }
}
