package dev.monoquant;

/**
 * A check of the results failed: a quantization error above its declared bound, an audit of the
 * written file, or a threshold set by the user.
 */
public final class ValidationException extends QuantException {

  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   */
  public ValidationException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   * @param cause the underlying exception
   */
  public ValidationException(String message, Throwable cause) {
    super(message, cause);
  }
}
