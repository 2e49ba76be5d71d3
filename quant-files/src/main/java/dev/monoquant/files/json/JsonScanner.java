package dev.monoquant.files.json;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.input.ParseBudget;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The characters of a JSON text from left to right: white space, single characters, and the texts
 * and numbers of RFC 8259, sections 6 and 7. {@link StrictJson} checks their order. Not
 * thread-safe.
 */
final class JsonScanner {

  /** The maximum number of UTF-8 bytes per character. */
  private static final int MOST_BYTES = 4;

  /** Estimated bytes of a short text. */
  private static final int TEXT = 64;

  private static final String KNOWN_ESCAPES = "\"\\/bfnrt";
  private static final String ESCAPED = "\"\\/\b\f\n\r\t";

  private final JsonWindow in;
  private final int end;
  private final JsonDialect dialect;
  private final Supplier<String> where;
  private final ParseBudget budget;
  private int at;

  /** The escapes of the text that {@link #measure} has seen, and whether it is ASCII. */
  private int escapes;

  private boolean ascii;

  /**
   * Makes a scanner of a text, without a copy of the bytes.
   *
   * @param utf8 the bytes
   * @param dialect the words for messages
   * @param where the key at which the reader is, for messages
   * @param budget for texts and numbers
   * @throws ModelFormatException if the bytes are not UTF-8
   */
  JsonScanner(JsonBytes utf8, JsonDialect dialect, Supplier<String> where, ParseBudget budget) {
    this.in = new JsonWindow(utf8);
    this.end = utf8.length();
    this.dialect = dialect;
    this.where = where;
    this.budget = budget;
    int wrong = in.firstNotUtf8();
    if (wrong < end) {
      throw new ModelFormatException(
          dialect.encoding(),
          dialect.file(),
          "",
          dialect.what()
              + " is not UTF-8, first at its byte "
              + wrong
              + ". The file is damaged; fetch it again.");
    }
  }

  /** {@return the index of the next character} */
  int position() {
    return at;
  }

  /**
   * {@return the bytes from an index to the next character, or null if the window has not all}
   *
   * @param from the index
   */
  byte @Nullable [] since(int from) {
    return in.copy(from, at);
  }

  /**
   * Skips some bytes if they are the next ones and are in the window.
   *
   * @param wanted the bytes
   */
  boolean skips(byte[] wanted) {
    boolean there = in.startsWith(at, wanted);
    at += there ? wanted.length : 0;
    return there;
  }

  /** {@return whether no character is left} */
  boolean atEnd() {
    return at >= end;
  }

  /** Skips white space. */
  void space() {
    while (at < end) {
      char c = in.unitAt(at);
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return;
      }
      at++;
    }
  }

  /** {@return the next character; fails at the end of the text} */
  char peek() {
    if (at >= end) {
      throw fault("stops in the middle");
    }
    return in.unitAt(at);
  }

  /** Skips a character if it is the next one; fails at the end of the text. */
  boolean skips(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    at++;
    return true;
  }

  /** Skips a character; fails if the next one differs. */
  void expect(char wanted) {
    if (!skips(wanted)) {
      throw fault("has " + here() + " where '" + wanted + "' must stand");
    }
  }

  /** {@return a number with its digits as read} */
  String number() {
    int start = at;
    if (at < end && in.unitAt(at) == '-') {
      at++;
    }
    if (dialect.pythonNumbers() && (takes("NaN") || takes("Infinity"))) {
      return numeral(start);
    }
    if (at < end && in.unitAt(at) == '0') {
      at++;
    } else {
      digits(start);
    }
    if (at < end && in.unitAt(at) == '.') {
      at++;
      digits(start);
    }
    if (at < end && (in.unitAt(at) == 'e' || in.unitAt(at) == 'E')) {
      at++;
      if (at < end && (in.unitAt(at) == '+' || in.unitAt(at) == '-')) {
        at++;
      }
      digits(start);
    }
    return numeral(start);
  }

  private boolean takes(String word) {
    if (end - at >= word.length() && in.slice(at, at + word.length()).equals(word)) {
      at += word.length();
      return true;
    }
    return false;
  }

  private void digits(int start) {
    int first = at;
    while (at < end && in.unitAt(at) >= '0' && in.unitAt(at) <= '9') {
      at++;
    }
    if (at == first) {
      if (at == start) {
        throw fault("has " + here() + " where a value must stand");
      }
      throw fault("has " + here() + " where a digit must stand");
    }
  }

  private String numeral(int start) {
    budget.charge(TEXT + (long) (at - start));
    return in.slice(start, at);
  }

  /** {@return a text in double quotes, with its escapes resolved} */
  String string() {
    at++;
    int start = at;
    boolean plain = skipPlain();
    if (at < end && in.unitAt(at) == '"') {
      int length = at - start;
      // The bytes, which are released, and the text.
      budget.charge(TEXT + 2L * length);
      at++;
      if (plain) {
        budget.release(length);
        return in.asciiSlice(start, at - 1);
      }
      return in.slice(start, at - 1);
    }
    int most = measure(start);
    // The builder, which is released, and the text.
    long each = ascii ? most : 2L * most;
    budget.charge(TEXT + 2 * each);
    at = start;
    String escaped = ascii ? ascii(most - escapes) : anyText(most);
    budget.release(each);
    return escaped;
  }

  /** Reads a text of ASCII whose number of characters is known, in half the time. */
  private String ascii(int length) {
    byte[] out = new byte[length];
    int written = 0;
    while (true) {
      while (at < end) {
        int first = in.load(at);
        int limit = in.size();
        byte[] bytes = in.bytes();
        int i = first;
        while (i < limit && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
          out[written++] = bytes[i++];
        }
        at += i - first;
        if (i < limit) {
          break;
        }
      }
      if (ends()) {
        return new String(out, 0, written, StandardCharsets.ISO_8859_1);
      }
      int known = KNOWN_ESCAPES.indexOf(peek());
      if (known < 0) {
        throw unknownEscape();
      }
      out[written++] = (byte) ESCAPED.charAt(known);
      at++;
    }
  }

  private String anyText(int most) {
    StringBuilder out = new StringBuilder(most);
    while (true) {
      append(out);
      if (ends()) {
        return out.toString();
      }
      escape(out);
    }
  }

  /** Skips a quote, which ends a text, or a backslash; all before it was plain. */
  private boolean ends() {
    char c = peek();
    if (c < ' ') {
      throw fault("has " + here() + " inside a text; it must be escaped");
    }
    at++;
    return c == '"';
  }

  /** The number of bytes up to the end of a text, or of all bytes. */
  private int measure(int start) {
    escapes = 0;
    ascii = true;
    boolean escaped = false;
    for (int from = start; from < end; from = in.end()) {
      int first = in.load(from);
      int limit = in.size();
      byte[] bytes = in.bytes();
      for (int i = first; i < limit; i++) {
        int b = bytes[i];
        if (escaped) {
          escaped = false;
          ascii &= b != 'u';
        } else if (b == '\\') {
          escaped = true;
          escapes++;
        } else if (b == '"') {
          return in.start() + i - start;
        }
        ascii &= b >= 0;
      }
    }
    return end - start;
  }

  /** Appends the characters up to an escape or the end of the text. */
  private void append(StringBuilder out) {
    int start = at;
    skipPlain();
    for (int from = start; from < at; ) {
      int to = Math.min(at, from + JsonWindow.BLOCK);
      while (to < at && (in.unitAt(to) & 0xC0) == 0x80) {
        to++;
      }
      out.append(in.slice(from, to));
      from = to;
    }
  }

  /** Skips what stands for itself in a text, and returns whether that was ASCII. */
  private boolean skipPlain() {
    int all = 0;
    while (at < end) {
      int first = in.load(at);
      int limit = in.size();
      byte[] bytes = in.bytes();
      int i = first;
      for (; i < limit; i++) {
        int b = bytes[i];
        if (b == '"' || b == '\\' || (b >= 0 && b < ' ')) {
          break;
        }
        all |= b;
      }
      at += i - first;
      if (i < limit) {
        break;
      }
    }
    return all >= 0;
  }

  private void escape(StringBuilder out) {
    char c = peek();
    int known = KNOWN_ESCAPES.indexOf(c);
    if (known >= 0) {
      at++;
      out.append(ESCAPED.charAt(known));
      return;
    }
    if (c != 'u') {
      throw unknownEscape();
    }
    char unit = unit();
    if (Character.isLowSurrogate(unit)) {
      throw fault(String.format("has the lone surrogate \\u%04x", (int) unit));
    }
    out.append(unit);
    if (Character.isHighSurrogate(unit)) {
      boolean follows = at + 1 < end && in.unitAt(at) == '\\' && in.unitAt(at + 1) == 'u';
      at++;
      char low = follows ? unit() : ' ';
      if (!Character.isLowSurrogate(low)) {
        throw fault(String.format("has the lone surrogate \\u%04x", (int) unit));
      }
      out.append(low);
    }
  }

  private ModelFormatException unknownEscape() {
    return fault("has the escape \\ followed by " + here() + ", which JSON does not know");
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
    char c = in.slice(at, Math.min(end, at + MOST_BYTES)).charAt(0);
    return c > ' ' && c < 127 ? "'" + c + "'" : String.format(Locale.ROOT, "U+%04X", (int) c);
  }

  /** {@return the exception for the text at this position} */
  ModelFormatException fault(String detail) {
    return new ModelFormatException(
        dialect.syntax(),
        dialect.file(),
        where.get(),
        dialect.what()
            + " is no strict JSON: at character "
            + in.charactersBefore(at)
            + " it "
            + detail
            + ". The file is damaged or was written by a faulty tool; fetch or write it again.");
  }
}
