package dev.monoquant;

/**
 * The caller asked for something that cannot be: an unknown id, a value out of range, two settings
 * that exclude each other. Thrown before any data is read.
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
   * @param cause what made it known
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}
