package dev.monoquant;

import java.util.List;
import java.util.stream.Collectors;

/**
 * The base class of all exceptions that this framework throws on purpose.
 *
 * <p>A message names the thing, its value, what was allowed and what to do. Messages are one line,
 * with untrusted text quoted by {@link #quote(String)}. Any other exception (for example {@code
 * NullPointerException}) is a bug in the framework or in a plugin.
 */
public abstract sealed class QuantException extends RuntimeException
    permits ConfigurationException,
        ModelFormatException,
        OutputException,
        PlanException,
        PluginException,
        ValidationException {

  private static final long serialVersionUID = 1L;

  QuantException(String message, Throwable cause) {
    super(message, cause);
  }

  QuantException(String message) {
    super(message);
  }

  /**
   * Makes text from a file or a user safe to print in one line: in double quotes, control
   * characters and quotes escaped, and cut after 200 characters. {@code ##[}, which is a command of
   * CI runners anywhere in a line, is escaped too.
   *
   * @param text any text
   * @return the quoted text
   */
  public static String quote(String text) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), 200) + 2).append('"');
    int shown = 0;
    for (int i = 0; i < text.length(); i++) {
      if (shown++ == 200) {
        return out.append("...\" (").append(text.length()).append(" characters)").toString();
      }
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c > ' ' && c < 127 && c != '[') {
        // Most names are such letters, and there may be 100,000.
        out.append(c);
      } else if (Character.isISOControl(c)
          || (c == '[' && text.startsWith("##", i - 2))
          || Character.isSurrogate(c)
          || Character.getType(c) == Character.FORMAT
          || Character.getType(c) == Character.LINE_SEPARATOR
          || Character.getType(c) == Character.PARAGRAPH_SEPARATOR) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (pair) {
          out.append(c).append(text.charAt(++i));
        } else {
          out.append(String.format("\\u%04x", (int) c));
        }
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }

  /** {@return a message of several problems, of which the first ones are shown} */
  static String several(List<String> problems, int shown) {
    int more = problems.size() - shown;
    return problems.size()
        + " problems: "
        + problems.stream().limit(shown).collect(Collectors.joining("; "))
        + (more > 0 ? "; and " + more + " more" : "");
  }
}
