package dev.monoquant;

import static java.util.Objects.requireNonNull;

/**
 * Something a plan or a run found, as a value: it can be listed, counted and printed with others.
 *
 * @param severity whether the run can go on
 * @param subject the layer, tensor, rule or plugin concerned
 * @param message what is the matter, with the values
 * @param remedy what to do; empty if there is nothing to do
 */
public record Problem(Severity severity, String subject, String message, String remedy) {

  /** Whether the run can go on. */
  public enum Severity {
    /** Something that was decided, and is as it should be in most cases. */
    NOTE,
    /** The run goes on; the user should know. */
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
   * {@return something that was decided and that a report should tell}
   *
   * @param subject the layer, tensor, rule, plugin or output concerned
   * @param message what was decided
   */
  public static Problem note(String subject, String message) {
    return new Problem(Severity.NOTE, subject, message, "");
  }

  /**
   * {@return a problem that forbids the run}
   *
   * @param subject the layer, tensor, rule or plugin concerned
   * @param message what is the matter
   * @param remedy what to do
   */
  public static Problem error(String subject, String message, String remedy) {
    return new Problem(Severity.ERROR, subject, message, remedy);
  }

  /**
   * {@return a problem that the user should know of}
   *
   * @param subject the layer, tensor, rule or plugin concerned
   * @param message what is the matter
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
