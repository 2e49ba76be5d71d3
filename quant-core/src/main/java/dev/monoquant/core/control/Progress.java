package dev.monoquant.core.control;

/**
 * Receives the progress of a run. Called from worker threads, one call at a time; must return
 * quickly and not throw.
 */
@FunctionalInterface
public interface Progress {

  /** Ignores the progress. */
  Progress NONE = (stage, done, total, subject) -> {};

  /** The stages of a run. */
  enum Stage {
    /** Collecting statistics before quantizing. */
    STATISTICS,
    /** Quantizing, or decoding, and writing. */
    PROCESSING,
    /**
     * Running the original and the result side by side, to compare their outputs; counts samples,
     * not bytes.
     */
    RUNNING,
    /** Running models in turns to time them; counts rounds, not bytes. */
    TIMING,
    /** Running a model on samples while its layers are observed; counts samples, not bytes. */
    OBSERVING,
    /** Flushing and checking the output. */
    COMMITTING
  }

  /**
   * Reports progress.
   *
   * @param stage the current stage
   * @param done bytes of input processed so far in this stage, or what else the stage counts
   * @param total bytes of input in this stage, or what else it counts; 0 if unknown. Rounds that
   *     end with a time are estimated from those so far
   * @param subject the current tensor, model or sample
   */
  void update(Stage stage, long done, long total, String subject);
}
