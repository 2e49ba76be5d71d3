package dev.monoquant;

import static java.util.Objects.requireNonNull;

/**
 * A problem or decision found by a plan or a run, as a value that can be listed, counted and
 * printed.
 *
 * @param severity whether the run can continue
 * @param subject the layer, tensor, rule or plugin concerned
 * @param message what is wrong, with the values
 * @param remedy what to do; empty if there is nothing to do
 */
public record Problem(Severity severity, String subject, String message, String remedy) {

  /** Whether the run can continue. */
  public enum Severity {
    /** A decision to report; correct in most cases. */
    NOTE,
    /** The run continues; the user should check the result. */
    WARNING,
    /** The run is refused. */
    ERROR
  }

  /** Checks that nothing is null. */
  public Problem {
    requireNonNull(severity, "severity");
    requireNonNull(subject, "subject");
    requireNonNull(message, "message");
    requireNonNull(remedy, "remedy");
  }

  /**
   * {@return a decision that belongs in the report}
   *
   * @param subject the layer, tensor, rule, plugin or output concerned
   * @param message what was decided
   */
  public static Problem note(String subject, String message) {
    return new Problem(Severity.NOTE, subject, message, "");
  }

  /**
   * {@return a problem that prevents the run}
   *
   * @param subject the layer, tensor, rule or plugin concerned
   * @param message what is wrong
   * @param remedy what to do
   */
  public static Problem error(String subject, String message, String remedy) {
    return new Problem(Severity.ERROR, subject, message, remedy);
  }

  /**
   * {@return a problem that does not stop the run}
   *
   * @param subject the layer, tensor, rule or plugin concerned
   * @param message what is wrong
   * @param remedy what to do
   */
  public static Problem warning(String subject, String message, String remedy) {
    return new Problem(Severity.WARNING, subject, message, remedy);
  }

  @Override
  public String toString() {
    return subject + ": " + message + (remedy.isEmpty() ? "" : ". " + remedy);
  }
}
