package dev.monoquant.files.json;

import dev.monoquant.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The characters of a JSON text from left to right: white space, single characters, and the texts
 * and numbers of RFC 8259, sections 6 and 7. What may follow what is for {@link StrictJson}.
 */
final class JsonScanner {

  private final char[] text;
  private final int end;
  private final StrictJson.Dialect dialect;
  private final JsonPath path;
  private int at;

  private JsonScanner(CharBuffer text, StrictJson.Dialect dialect, JsonPath path) {
    this.text = text.array();
    this.at = text.arrayOffset();
    this.end = text.arrayOffset() + text.length();
    this.dialect = dialect;
    this.path = path;
  }

  /**
   * Decodes a text.
   *
   * @param utf8 the bytes; not consumed
   * @param dialect what to say of them
   * @param path where the reader is, for messages
   * @throws ModelFormatException if they are not UTF-8
   */
  static JsonScanner of(ByteBuffer utf8, StrictJson.Dialect dialect, JsonPath path) {
    ByteBuffer bytes = utf8.duplicate();
    try {
      CharBuffer chars =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(bytes);
      return new JsonScanner(chars, dialect, path);
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(
          dialect.encoding(),
          dialect.file(),
          "",
          dialect.what()
              + " is not UTF-8, first at its byte "
              + (bytes.position() - utf8.position())
              + ". The file is damaged; fetch it again.",
          e);
    }
  }

  /** {@return whether nothing is left} */
  boolean atEnd() {
    return at >= end;
  }

  /** Skips white space. */
  void space() {
    while (at < end
        && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
      at++;
    }
  }

  /** {@return the next character, which must be there} */
  char peek() {
    if (at >= end) {
      throw fault("stops in the middle");
    }
    return text[at];
  }

  /** Skips that character if it is the next; there must be one. */
  boolean skips(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    at++;
    return true;
  }

  /** Skips that character, which must be there. */
  void expect(char wanted) {
    if (!skips(wanted)) {
      throw fault("has " + here() + " where '" + wanted + "' must stand");
    }
  }

  /** {@return a number as it stands there} */
  String number() {
    int start = at;
    if (at < end && text[at] == '-') {
      at++;
    }
    if (dialect.pythonNumbers() && (takes("NaN") || takes("Infinity"))) {
      return new String(text, start, at - start);
    }
    if (at < end && text[at] == '0') {
      at++;
    } else {
      digits(start);
    }
    if (at < end && text[at] == '.') {
      at++;
      digits(start);
    }
    if (at < end && (text[at] == 'e' || text[at] == 'E')) {
      at++;
      if (at < end && (text[at] == '+' || text[at] == '-')) {
        at++;
      }
      digits(start);
    }
    return new String(text, start, at - start);
  }

  private boolean takes(String word) {
    if (end - at >= word.length() && new String(text, at, word.length()).equals(word)) {
      at += word.length();
      return true;
    }
    return false;
  }

  private void digits(int start) {
    int first = at;
    while (at < end && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    if (at == first) {
      if (at == start) {
        throw fault("has " + here() + " where a value must stand");
      }
      throw fault("has " + here() + " where a digit must stand");
    }
  }

  /** {@return a text in double quotes, its escapes resolved} */
  String string() {
    at++;
    int start = at;
    while (at < end && text[at] != '"' && text[at] != '\\' && text[at] >= ' ') {
      at++;
    }
    if (at < end && text[at] == '"') {
      return new String(text, start, at++ - start);
    }
    StringBuilder out = new StringBuilder().append(text, start, at - start);
    while (true) {
      char c = peek();
      if (c == '"') {
        at++;
        return out.toString();
      }
      if (c < ' ') {
        throw fault("has " + here() + " inside a text; it must be escaped");
      }
      if (c == '\\') {
        at++;
        escape(out);
      } else {
        out.append(c);
        at++;
      }
    }
  }

  private void escape(StringBuilder out) {
    char c = peek();
    int known = "\"\\/bfnrt".indexOf(c);
    if (known >= 0) {
      at++;
      out.append("\"\\/\b\f\n\r\t".charAt(known));
      return;
    }
    if (c != 'u') {
      throw fault("has the escape \\ followed by " + here() + ", which JSON does not know");
    }
    char unit = unit();
    if (Character.isLowSurrogate(unit)) {
      throw fault(String.format("has the lone surrogate \\u%04x", (int) unit));
    }
    out.append(unit);
    if (Character.isHighSurrogate(unit)) {
      boolean follows = at + 1 < end && text[at] == '\\' && text[at + 1] == 'u';
      at++;
      char low = follows ? unit() : ' ';
      if (!Character.isLowSurrogate(low)) {
        throw fault(String.format("has the lone surrogate \\u%04x", (int) unit));
      }
      out.append(low);
    }
  }

  private char unit() {
    at++;
    int value = 0;
    for (int i = 0; i < 4; i++) {
      char c = peek();
      int digit = c < 128 ? Character.digit(c, 16) : -1;
      if (digit < 0) {
        throw fault("has " + here() + " where a hex digit of a \\u escape must stand");
      }
      value = value << 4 | digit;
      at++;
    }
    return (char) value;
  }

  /** {@return the next character for messages} */
  String here() {
    if (at >= end) {
      return "its end";
    }
    char c = text[at];
    return c > ' ' && c < 127 ? "'" + c + "'" : String.format(Locale.ROOT, "U+%04X", (int) c);
  }

  /** {@return the refusal of what stands here} */
  ModelFormatException fault(String detail) {
    return new ModelFormatException(
        dialect.syntax(),
        dialect.file(),
        path.where(),
        dialect.what()
            + " is no strict JSON: at character "
            + at
            + " it "
            + detail
            + ". The file is damaged or was written by a faulty tool; fetch or write it again.");
  }
}
