package dev.monoquant.core.render;

import dev.monoquant.core.text.Text;

/**
 * Text in HTML, in XML and in Markdown. Names, shapes and messages may come from an untrusted model
 * file: nothing in them can end an element or an attribute, start one, or make the document
 * invalid.
 */
final class Markup {

  private Markup() {}

  /**
   * A text for the content of an element, or for an attribute in quotes. Characters that XML does
   * not allow, that change the direction of text or that are invisible are written as {@code
   * \\uXXXX}.
   */
  static String text(String text) {
    StringBuilder out = new StringBuilder(text.length() + 8);
    text.codePoints().forEach(c -> append(c, out));
    return out.toString();
  }

  private static void append(int c, StringBuilder out) {
    switch (c) {
      case '<' -> out.append("&lt;");
      case '>' -> out.append("&gt;");
      case '&' -> out.append("&amp;");
      case '"' -> out.append("&quot;");
      case '\'' -> out.append("&#39;");
      default -> {
        if (isHidden(c)) {
          out.append(Text.format("\\u%04x", c));
        } else {
          out.appendCodePoint(c);
        }
      }
    }
  }

  /** Control, format and line separators, lone surrogates, and what is no character at all. */
  private static boolean isHidden(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> (c & 0xfffe) == 0xfffe;
    };
  }

  /**
   * A text in Markdown that shows as it is, also in a cell of a table: every character that could
   * mean anything in Markdown or HTML is a character reference; dots within words too, since {@code
   * www.} makes a link.
   */
  static String markdown(String text) {
    StringBuilder out = new StringBuilder(text.length() + 8);
    int before = ' ';
    for (int i = 0; i < text.length(); i += Character.charCount(before)) {
      int c = text.codePointAt(i);
      boolean plain =
          c == '.'
              ? isPlainDot(before, i + 1 < text.length() ? text.codePointAt(i + 1) : ' ')
              : Character.isLetterOrDigit(c) || " ,/=+%".indexOf(c) >= 0;
      if (plain) {
        out.appendCodePoint(c);
      } else if (isHidden(c)) {
        out.append(Text.format("&#92;u%04x", c));
      } else {
        out.append("&#").append(c).append(';');
      }
      before = c;
    }
    return out.toString();
  }

  /** At the end of a sentence, or in a number. */
  private static boolean isPlainDot(int before, int after) {
    return !Character.isLetterOrDigit(after)
        || (Character.isDigit(before) && Character.isDigit(after));
  }
}
