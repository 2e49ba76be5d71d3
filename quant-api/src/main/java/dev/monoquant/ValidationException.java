package dev.monoquant;

/**
 * A check on results failed: an error above the declared bound, an audit of the written file, a
 * gate that the user set.
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
   * @param cause what made it known
   */
  public ValidationException(String message, Throwable cause) {
    super(message, cause);
  }
}
