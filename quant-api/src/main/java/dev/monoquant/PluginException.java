package dev.monoquant;

/**
 * A plugin broke its contract: it threw, or returned something that its own declaration rules out.
 * The message names the plugin, the layer and the rows.
 */
public final class PluginException extends QuantException {

  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   */
  public PluginException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message.
   *
   * @param message the thing, its value, what was allowed, and what to do
   * @param cause the underlying exception
   */
  public PluginException(String message, Throwable cause) {
    super(message, cause);
  }
}
