package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads JSON as RFC 8259 writes it and nothing else: no comments, no trailing commas, no byte order
 * mark, no second document, no lone surrogates, no malformed UTF-8; a key that stands twice in an
 * object (after its escapes are resolved) is refused. Numbers are kept as text.
 *
 * <p>Nesting is limited before it can reach the stack. Time and memory are linear in the text. What
 * this does not do: it checks no schema.
 */
public final class StrictJson {

  /**
   * How to read one kind of file.
   *
   * @param file the file for messages
   * @param what what the text is, such as {@code the header}
   * @param syntax the reason for text that is not strict JSON
   * @param encoding the reason for text that is not UTF-8
   * @param maxDepth arrays and objects around a value at most
   * @param pythonNumbers whether {@code NaN}, {@code Infinity} and {@code -Infinity} pass as
   *     numbers, as Python writes them
   */
  public record Dialect(
      String file,
      String what,
      Reason syntax,
      Reason encoding,
      int maxDepth,
      boolean pythonNumbers) {}

  private final Dialect dialect;
  private final Path path = new Path();
  private final Scanner in;

  private StrictJson(ByteBuffer utf8, Dialect dialect) {
    this.dialect = dialect;
    this.in = Scanner.of(utf8, dialect, path);
  }

  /**
   * Reads one document.
   *
   * @param utf8 the bytes; not consumed
   * @param dialect how to read and what to say
   * @return the value
   * @throws ModelFormatException if the bytes are anything but one JSON value with white space
   *     around
   */
  public static JsonValue parse(ByteBuffer utf8, Dialect dialect) {
    return new StrictJson(utf8, dialect).document();
  }

  private JsonValue document() {
    in.space();
    JsonValue value = value();
    in.space();
    if (!in.atEnd()) {
      throw in.fault("ends, but is followed by " + in.here());
    }
    return value;
  }

  private JsonValue value() {
    return switch (in.peek()) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> new JsonValue.Str(in.string());
      case 't' -> word(JsonValue.Literal.TRUE);
      case 'f' -> word(JsonValue.Literal.FALSE);
      case 'n' -> word(JsonValue.Literal.NULL);
      default -> new JsonValue.Num(in.number());
    };
  }

  private JsonValue object() {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    in.expect('{');
    in.space();
    if (in.skips('}')) {
      return new JsonValue.Obj(members);
    }
    while (true) {
      String key = key(members);
      in.space();
      in.expect(':');
      in.space();
      path.enter(key);
      members.put(key, nested());
      in.space();
      if (in.skips('}')) {
        return new JsonValue.Obj(members);
      }
      in.expect(',');
      in.space();
    }
  }

  private String key(Map<String, JsonValue> earlier) {
    if (in.peek() != '"') {
      throw in.fault("has " + in.here() + " where a key in double quotes must stand");
    }
    String key = in.string();
    if (earlier.containsKey(key)) {
      throw new ModelFormatException(
          Reason.DUPLICATE_KEY,
          dialect.file(),
          path.where(),
          "key "
              + quote(key)
              + " stands twice in "
              + dialect.what()
              + ". Readers differ in which one they take; write the file anew.");
    }
    return key;
  }

  private JsonValue array() {
    List<JsonValue> items = new ArrayList<>();
    in.expect('[');
    in.space();
    if (in.skips(']')) {
      return new JsonValue.Arr(items);
    }
    while (true) {
      path.enterItem();
      items.add(nested());
      in.space();
      if (in.skips(']')) {
        return new JsonValue.Arr(items);
      }
      in.expect(',');
      in.space();
    }
  }

  /** The value that the path was entered for. */
  private JsonValue nested() {
    if (path.depth() > dialect.maxDepth()) {
      throw in.fault("nests deeper than " + dialect.maxDepth() + " (limit maxDepth)");
    }
    JsonValue value = value();
    path.leave();
    return value;
  }

  private JsonValue word(JsonValue.Literal literal) {
    for (int i = 0; i < literal.word().length(); i++) {
      in.expect(literal.word().charAt(i));
    }
    return literal;
  }

  /** The keys of the objects around the value that is being read; an item of an array has none. */
  private static final class Path {

    private static final String ITEM = "";

    private final Deque<String> keys = new ArrayDeque<>();

    /** Goes into the value of a key. */
    void enter(String key) {
      keys.addLast(key);
    }

    /** Goes into an item of an array. */
    void enterItem() {
      keys.addLast(ITEM);
    }

    /** Goes out of the value that was entered last. */
    void leave() {
      keys.removeLast();
    }

    /** {@return how many arrays and objects are around the value} */
    int depth() {
      return keys.size();
    }

    /** {@return the outermost key for messages, or nothing} */
    String where() {
      return keys.isEmpty() || keys.getFirst().equals(ITEM) ? "" : quote(keys.getFirst());
    }
  }

  /**
   * The characters of a JSON text from left to right: white space, single characters, and the texts
   * and numbers of RFC 8259, sections 6 and 7. What may follow what is for {@link StrictJson}.
   */
  private static final class Scanner {

    private final char[] text;
    private final int end;
    private final Dialect dialect;
    private final Path path;
    private int at;

    private Scanner(CharBuffer text, Dialect dialect, Path path) {
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
    static Scanner of(ByteBuffer utf8, Dialect dialect, Path path) {
      ByteBuffer bytes = utf8.duplicate();
      try {
        CharBuffer chars =
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(bytes);
        return new Scanner(chars, dialect, path);
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
}
