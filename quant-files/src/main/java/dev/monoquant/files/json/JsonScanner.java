package dev.monoquant.files.json;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.input.ParseBudget;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * The characters of a JSON text from left to right: white space, single characters, and the texts
 * and numbers of RFC 8259, sections 6 and 7. {@link StrictJson} checks their order. Not
 * thread-safe.
 */
final class JsonScanner {

  private static final int CHECKED_AT_ONCE = 1 << 13;

  /** The maximum number of UTF-8 bytes per character. */
  private static final int MOST_BYTES = 4;

  /** Estimated bytes of a short text. */
  private static final int TEXT = 64;

  private final ByteBuffer text;
  private final int end;

  /** Some bytes of the text: a byte of an array is read several times as fast as a mapped one. */
  private final byte[] window;

  /** The range of the text in the window. */
  private int windowStart;

  private int windowEnd;

  private final JsonDialect dialect;
  private final Supplier<String> where;
  private final ParseBudget budget;
  private int at;

  private JsonScanner(
      ByteBuffer text, JsonDialect dialect, Supplier<String> where, ParseBudget budget) {
    this.text = text;
    this.end = text.limit();
    this.window = new byte[Math.min(CHECKED_AT_ONCE, end)];
    this.dialect = dialect;
    this.where = where;
    this.budget = budget;
  }

  /**
   * Makes a scanner of a text, without a copy of the bytes.
   *
   * @param utf8 the bytes; not consumed
   * @param dialect the words for messages
   * @param where the key at which the reader is, for messages
   * @param budget for texts and numbers
   * @throws ModelFormatException if the bytes are not UTF-8
   */
  static JsonScanner of(
      ByteBuffer utf8, JsonDialect dialect, Supplier<String> where, ParseBudget budget) {
    ByteBuffer bytes = utf8.slice();
    bytes.position(asciiLength(bytes));
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    CharBuffer some = CharBuffer.allocate(CHECKED_AT_ONCE);
    CoderResult result;
    do {
      result = decoder.decode(bytes, some.clear(), true);
    } while (result.isOverflow());
    if (result.isError()) {
      throw new ModelFormatException(
          dialect.encoding(),
          dialect.file(),
          "",
          dialect.what()
              + " is not UTF-8, first at its byte "
              + bytes.position()
              + ". The file is damaged; fetch it again.");
    }
    return new JsonScanner(utf8.slice(), dialect, where, budget);
  }

  /** The number of bytes before the first one that is not ASCII; these need no decoder. */
  private static int asciiLength(ByteBuffer bytes) {
    byte[] some = new byte[Math.min(CHECKED_AT_ONCE, bytes.limit())];
    for (int from = 0; from < bytes.limit(); from += some.length) {
      int length = Math.min(some.length, bytes.limit() - from);
      bytes.get(from, some, 0, length);
      for (int i = 0; i < length; i++) {
        if (some[i] < 0) {
          return from + i;
        }
      }
    }
    return bytes.limit();
  }

  private char unitAt(int index) {
    if (index < windowStart || index >= windowEnd) {
      windowStart = index / window.length * window.length;
      windowEnd = Math.min(end, windowStart + window.length);
      text.get(windowStart, window, 0, windowEnd - windowStart);
    }
    return (char) (window[index - windowStart] & 0xFF);
  }

  private String slice(int from, int to) {
    byte[] bytes = new byte[to - from];
    text.get(from, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * The number of UTF-16 characters before an index: a sequence of 4 bytes is two, a continuation
   * byte is none.
   */
  private int charactersBefore(int index) {
    int count = 0;
    for (int i = 0; i < index; i++) {
      int b = unitAt(i);
      count += (b & 0xC0) == 0x80 ? 0 : b >= 0xF0 ? 2 : 1;
    }
    return count;
  }

  /** {@return whether no character is left} */
  boolean atEnd() {
    return at >= end;
  }

  /** Skips white space. */
  void space() {
    while (at < end
        && (unitAt(at) == ' ' || unitAt(at) == '\n' || unitAt(at) == '\r' || unitAt(at) == '\t')) {
      at++;
    }
  }

  /** {@return the next character; fails at the end of the text} */
  char peek() {
    if (at >= end) {
      throw fault("stops in the middle");
    }
    return unitAt(at);
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
    if (at < end && unitAt(at) == '-') {
      at++;
    }
    if (dialect.pythonNumbers() && (takes("NaN") || takes("Infinity"))) {
      return numeral(start);
    }
    if (at < end && unitAt(at) == '0') {
      at++;
    } else {
      digits(start);
    }
    if (at < end && unitAt(at) == '.') {
      at++;
      digits(start);
    }
    if (at < end && (unitAt(at) == 'e' || unitAt(at) == 'E')) {
      at++;
      if (at < end && (unitAt(at) == '+' || unitAt(at) == '-')) {
        at++;
      }
      digits(start);
    }
    return numeral(start);
  }

  private boolean takes(String word) {
    if (end - at >= word.length() && slice(at, at + word.length()).equals(word)) {
      at += word.length();
      return true;
    }
    return false;
  }

  private void digits(int start) {
    int first = at;
    while (at < end && unitAt(at) >= '0' && unitAt(at) <= '9') {
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
    return slice(start, at);
  }

  /** {@return a text in double quotes, with its escapes resolved} */
  String string() {
    at++;
    int start = at;
    skipPlain();
    if (at < end && unitAt(at) == '"') {
      int length = at - start;
      // The bytes, which are released, and the text.
      budget.charge(TEXT + 2L * length);
      if (isAscii(start, length)) {
        budget.release(length);
      }
      return slice(start, at++);
    }
    int most = length(start);
    // The builder, which is released, and the text.
    long each = isAscii(start, most) ? most : 2L * most;
    budget.charge(TEXT + 2 * each);
    StringBuilder out = new StringBuilder(most);
    at = start;
    while (true) {
      append(out);
      char c = peek();
      if (c == '"') {
        at++;
        budget.release(each);
        return out.toString();
      }
      if (c < ' ') {
        throw fault("has " + here() + " inside a text; it must be escaped");
      }
      at++;
      escape(out);
    }
  }

  /** The number of bytes up to the end of a text, or of all bytes. */
  private int length(int start) {
    int i = start;
    while (i < end && unitAt(i) != '"') {
      i += unitAt(i) == '\\' ? 2 : 1;
    }
    return Math.min(i, end) - start;
  }

  /** Whether a text takes a byte for each character. */
  private boolean isAscii(int start, int length) {
    for (int i = start; i < start + length; i++) {
      if (unitAt(i) >= 0x80 || (unitAt(i) == 'u' && i > start && unitAt(i - 1) == '\\')) {
        return false;
      }
    }
    return true;
  }

  /** Appends the characters up to an escape or the end of the text. */
  private void append(StringBuilder out) {
    int start = at;
    skipPlain();
    for (int from = start; from < at; ) {
      int to = Math.min(at, from + CHECKED_AT_ONCE);
      while (to < at && (unitAt(to) & 0xC0) == 0x80) {
        to++;
      }
      out.append(slice(from, to));
      from = to;
    }
  }

  private void skipPlain() {
    while (at < end && unitAt(at) != '"' && unitAt(at) != '\\' && unitAt(at) >= ' ') {
      at++;
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
      boolean follows = at + 1 < end && unitAt(at) == '\\' && unitAt(at + 1) == 'u';
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
    char c = slice(at, Math.min(end, at + MOST_BYTES)).charAt(0);
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
            + charactersBefore(at)
            + " it "
            + detail
            + ". The file is damaged or was written by a faulty tool; fetch or write it again.");
  }
}
