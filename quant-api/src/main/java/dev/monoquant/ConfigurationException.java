package dev.monoquant;

/**
 * The caller's settings are invalid: an unknown id, a value out of range, or two settings that
 * exclude each other. Thrown before any data is read.
 */
public final class ConfigurationException extends QuantException {

  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message.
   *
   * @param message what was given, what is allowed, and a correct example
   */
  public ConfigurationException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message.
   *
   * @param message what was given, what is allowed, and a correct example
   * @param cause the underlying exception
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}
