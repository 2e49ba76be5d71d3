package dev.monoquant.core.control;

/**
 * Hears how far a run is. Called from worker threads, one call at a time; must return quickly and
 * throw nothing.
 */
@FunctionalInterface
public interface Progress {

  /** Hears nothing. */
  Progress NONE = (stage, done, total, subject) -> {};

  /** What a run is doing. */
  enum Stage {
    /** Looking over the numbers before quantizing. */
    SURVEYING,
    /** Quantizing, or decoding, and writing. */
    PROCESSING,
    /** Running original and result side by side. */
    RUNNING,
    /** Flushing and checking what was written. */
    COMMITTING
  }

  /**
   * Some more bytes are done.
   *
   * @param stage what the run is doing
   * @param done bytes of input done so far in this stage
   * @param total bytes of input in this stage, 0 if not known
   * @param subject the tensor at hand
   */
  void update(Stage stage, long done, long total, String subject);
}
