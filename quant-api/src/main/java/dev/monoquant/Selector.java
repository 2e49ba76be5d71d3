package dev.monoquant;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Selects layers by name or kind.
 *
 * <table>
 * <caption>the forms of a pattern</caption>
 * <tr><td>{@code re:.*mlp.*}</td><td>a regular expression; it must match at the start of the layer's
 *     name but not to its end, as in compressed-tensors</td></tr>
 * <tr><td>{@code kind:Conv2d}</td><td>all layers of that kind</td></tr>
 * <tr><td>anything else</td><td>a glob over the layer's name, or the exact name of a kind, such as
 *     {@code Linear}: {@code *} matches any text including dots, {@code ?} one character</td></tr>
 * </table>
 *
 * <p>A name is the layer's path, such as {@code encoder.0.fc}; the full name of one of its tensors
 * ({@code encoder.0.fc.weight}) selects the layer as well.
 */
public final class Selector {

  private final String text;
  private final String kind;
  private final Pattern pattern;
  private final boolean prefix;

  private Selector(String text, String kind, Pattern pattern, boolean prefix) {
    this.text = text;
    this.kind = kind;
    this.pattern = pattern;
    this.prefix = prefix;
  }

  /**
   * {@return the selector}
   *
   * @param text a pattern in one of the forms above
   * @throws ConfigurationException if the text is blank, an empty regular expression or not a valid
   *     one
   */
  public static Selector parse(String text) {
    requireNonNull(text, "text");
    if (text.isBlank() || text.equals("re:")) {
      // An empty expression matches at the start of every name.
      throw new ConfigurationException(
          "an empty pattern is no selection; examples are lm_head, *.attn.*, re:.*mlp.* and Linear");
    }
    if (text.startsWith("re:")) {
      try {
        return new Selector(text, "", Pattern.compile(text.substring(3)), true);
      } catch (PatternSyntaxException e) {
        throw new ConfigurationException(
            "pattern "
                + QuantException.quote(text)
                + " is no regular expression: "
                + e.getDescription()
                + " at position "
                + e.getIndex(),
            e);
      }
    }
    if (text.startsWith("kind:")) {
      return new Selector(text, text.substring(5), Pattern.compile("(?!)"), false);
    }
    return new Selector(text, text, glob(text), false);
  }

  private static Pattern glob(String text) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '*' -> regex.append(".*");
        case '?' -> regex.append('.');
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /**
   * {@return whether this selector matches a layer}
   *
   * @param layer a layer
   */
  public boolean matches(Layer layer) {
    return layer.kind().name().equals(kind)
        || matchesName(layer.name())
        || layer.tensors().values().stream().anyMatch(t -> matchesName(t.name()));
  }

  private boolean matchesName(String name) {
    try {
      return prefix ? BoundedMatch.atStart(pattern, name) : BoundedMatch.whole(pattern, name);
    } catch (BoundedMatch.TooLong e) {
      throw new ConfigurationException(
          "pattern "
              + QuantException.quote(text)
              + " takes more than "
              + BoundedMatch.MAX_READS
              + " steps on the name "
              + QuantException.quote(name)
              + ". Write it with fewer repetitions, such as .*mlp.* instead of (.*)*mlp",
          e);
    }
  }

  /** {@return the pattern as given} */
  public String text() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Selector that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
