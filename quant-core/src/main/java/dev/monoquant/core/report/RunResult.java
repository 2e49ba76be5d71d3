package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

/**
 * What came of running one model.
 *
 * @param name the model, for people
 * @param fileBytes bytes of its file
 * @param medianNanos the median of the times of one call, all inputs together, in nanoseconds
 * @param fastestNanos the least of them
 * @param outputs its outputs against those of the reference, over all numbers that are finite in
 *     both
 * @param floats the same over outputs of floating point types alone: a class that is another one is
 *     no error of some size
 * @param mismatched how many numbers are finite in one and not in the other, or differ in being
 *     NaN, positive or negative infinity
 */
public record RunResult(
    String name,
    long fileBytes,
    long medianNanos,
    long fastestNanos,
    ErrorStatistics outputs,
    ErrorStatistics floats,
    long mismatched) {

  /** Checks that nothing is null. */
  public RunResult {
    requireNonNull(name, "name");
    requireNonNull(outputs, "outputs");
    requireNonNull(floats, "floats");
  }
}
