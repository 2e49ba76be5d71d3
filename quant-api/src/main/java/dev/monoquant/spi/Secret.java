package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

/**
 * A text that must appear in no message, report or file, such as a token. Its {@link #toString}
 * does not show it, and it cannot be serialized.
 *
 * <p>What this does not do: it does not erase the text from memory. Immutable; compared by
 * identity, so that no hash of the text is printed.
 */
public final class Secret {

  private final String text;

  /**
   * Holds a text.
   *
   * @param text the text
   */
  public Secret(String text) {
    this.text = requireNonNull(text, "text");
  }

  /** {@return the text, for the one that it is meant for} */
  public String reveal() {
    return text;
  }

  @Override
  public String toString() {
    return "(secret)";
  }
}
