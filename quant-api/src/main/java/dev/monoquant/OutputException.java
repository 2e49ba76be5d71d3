package dev.monoquant;

/** The output could not be written: it exists, the disk is full, the folder is read-only. */
public final class OutputException extends QuantException {

  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   */
  public OutputException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   * @param cause the underlying exception
   */
  public OutputException(String message, Throwable cause) {
    super(message, cause);
  }
}
