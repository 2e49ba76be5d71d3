package dev.monoquant.core.trial;

import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.trial.RunJob.Candidate;

/**
 * Tells how far the outputs of results are from those of one original, which runs on the samples
 * once and is not timed. Not thread-safe.
 */
public interface Costs extends AutoCloseable {

  /**
   * Runs a result once on all samples.
   *
   * @param result the result, whose code must have been checked
   * @return how far its outputs are from those of the original
   * @throws dev.monoquant.QuantException as {@link ModelRunner#run}
   */
  Distance of(Candidate result);

  /** Frees the original and its outputs. */
  @Override
  void close();

  /**
   * How far the outputs of a result are from those of the original.
   *
   * @param outputs of all outputs
   * @param floats of the outputs of floating-point types
   * @param mismatched the numbers that are NaN or infinite in one of them alone
   */
  record Distance(ErrorStatistics outputs, ErrorStatistics floats, long mismatched) {

    /** {@return 1 - cosine, from 0 to 1; 1 if there are mismatched numbers} */
    public double cost() {
      double cosine = floats.elements() > 0 ? floats.cosine() : outputs.cosine();
      return mismatched == 0 && Double.isFinite(cosine) ? Math.max(0, 1 - cosine) : 1.0;
    }
  }
}
