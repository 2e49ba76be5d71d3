package dev.monoquant;

import java.util.List;

/**
 * The caller's settings are invalid: an unknown id, a value out of range, or two settings that
 * exclude each other. Thrown before any data is read.
 */
public final class ConfigurationException extends QuantException {

  private static final long serialVersionUID = 1L;
  private static final int MAX_SHOWN = 20;

  private final transient List<String> problems;

  /**
   * Makes an exception with a message.
   *
   * @param message what was given, what is allowed, and a correct example
   */
  public ConfigurationException(String message) {
    super(message);
    this.problems = List.of(message);
  }

  /**
   * Makes an exception with a message.
   *
   * @param message what was given, what is allowed, and a correct example
   * @param cause the underlying exception
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
    this.problems = List.of(message);
  }

  /**
   * Makes an exception for several invalid settings.
   *
   * @param problems a message for each; at least one
   */
  public ConfigurationException(List<String> problems) {
    super(text(problems));
    this.problems = List.copyOf(problems);
  }

  /** {@return a message for each invalid setting; empty after deserialization} */
  public List<String> problems() {
    return problems == null ? List.of() : problems;
  }

  private static String text(List<String> problems) {
    if (problems.size() == 1) {
      return problems.get(0);
    }
    return several(problems, MAX_SHOWN);
  }
}
