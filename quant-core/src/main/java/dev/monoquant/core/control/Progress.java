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
    /** Running the original and the result side by side. */
    RUNNING,
    /** Running a model on samples while its layers are observed; counts samples, not bytes. */
    OBSERVING,
    /** Flushing and checking the output. */
    COMMITTING
  }

  /**
   * Reports progress.
   *
   * @param stage the current stage
   * @param done bytes of input processed so far in this stage
   * @param total bytes of input in this stage, 0 if unknown
   * @param subject the current tensor
   */
  void update(Stage stage, long done, long total, String subject);
}
