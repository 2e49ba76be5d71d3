package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads JSON as RFC 8259 defines it, without extensions: no comments, no trailing commas, no byte
 * order mark, no second document, no lone surrogates, no malformed UTF-8; a key that occurs twice
 * in an object (after its escapes are resolved) is refused. Numbers are kept as text.
 *
 * <p>Limits nesting before it can overflow the stack. Time and memory are linear in the text. Does
 * not check a schema.
 */
public final class StrictJson {

  /**
   * How to read one kind of file.
   *
   * @param file the file, for messages
   * @param what what the text is, such as {@code the header}
   * @param syntax the reason for text that is not strict JSON
   * @param encoding the reason for text that is not UTF-8
   * @param maxDepth the maximum number of arrays and objects around a value
   * @param pythonNumbers whether to accept {@code NaN}, {@code Infinity} and {@code -Infinity},
   *     which Python writes, as numbers
   * @param maxParsedBytes memory that the values may take, see {@link ParseBudget}
   */
  public record Dialect(
      String file,
      String what,
      Reason syntax,
      Reason encoding,
      int maxDepth,
      boolean pythonNumbers,
      long maxParsedBytes) {

    /**
     * {@return how to read what this library writes: without Python's numbers, with the default
     * limits}
     *
     * @param file the file, for messages
     * @param what what the text is
     */
    public static Dialect own(String file, String what) {
      ReadLimits limits = ReadLimits.DEFAULT;
      return new Dialect(
          file,
          what,
          Reason.METADATA,
          Reason.METADATA,
          limits.maxDepth(),
          false,
          limits.maxParsedBytes());
    }
  }

  /** Estimated bytes of an object, an entry in one, an array, a value in one, and a short text. */
  private static final int OBJECT = 160;

  private static final int MEMBER = 64;
  private static final int ARRAY = 80;
  private static final int ITEM = 8;
  private static final int TEXT = 64;

  private final Dialect dialect;
  private final Path path = new Path();
  private final ParseBudget budget;
  private final Scanner in;

  private StrictJson(ByteBuffer utf8, Dialect dialect) {
    this.dialect = dialect;
    this.budget = new ParseBudget(dialect.file(), dialect.maxParsedBytes());
    this.in = Scanner.of(utf8, dialect, path, budget);
  }

  /**
   * Reads one document.
   *
   * @param utf8 the bytes; not consumed
   * @param dialect how to read, and the words for messages
   * @return the value
   * @throws ModelFormatException if the bytes are not exactly one JSON value, with optional white
   *     space around it
   */
  public static JsonValue parse(ByteBuffer utf8, Dialect dialect) {
    return new StrictJson(utf8, dialect).document();
  }

  /** Takes the members of an object one after another. */
  @FunctionalInterface
  public interface Members {
    /**
     * Takes a member.
     *
     * @param key its key
     * @param value its value
     * @return the bytes of memory that are kept of the value, which {@link Dialect#maxParsedBytes}
     *     bounds
     */
    long take(String key, JsonValue value);
  }

  /**
   * Reads one document that is an object, of which one member at a time is in memory.
   *
   * @param utf8 the bytes; not consumed
   * @param dialect how to read, and the words for messages
   * @param members takes the members, in the order of the text, before faults behind them are found
   * @throws ModelFormatException if the bytes are not exactly one JSON object, with optional white
   *     space around it
   */
  public static void parse(ByteBuffer utf8, Dialect dialect, Members members) {
    new StrictJson(utf8, dialect).document(members);
  }

  private JsonValue document() {
    in.space();
    JsonValue value = value();
    end();
    return value;
  }

  private void end() {
    in.space();
    if (!in.atEnd()) {
      throw in.fault("ends, but is followed by " + in.here());
    }
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
    members(members.keySet(), (key, value, charged) -> members.put(key, value));
    return new JsonValue.Obj(members);
  }

  private void document(Members members) {
    in.space();
    if (in.peek() != '{') {
      throw in.fault("has " + in.here() + " where an object must stand");
    }
    Set<String> keys = new HashSet<>();
    members(
        keys,
        (key, value, charged) -> {
          keys.add(key);
          budget.release(charged);
          budget.charge(members.take(key, value));
        });
    end();
  }

  /** Takes a member of an object and the bytes that its value was charged. */
  @FunctionalInterface
  private interface Sink {
    void put(String key, JsonValue value, long charged);
  }

  private void members(Set<String> earlier, Sink to) {
    budget.charge(OBJECT);
    in.expect('{');
    in.space();
    if (in.skips('}')) {
      return;
    }
    while (true) {
      String key = key(earlier);
      in.space();
      in.expect(':');
      in.space();
      path.enter(key);
      budget.charge(MEMBER);
      long before = budget.used();
      JsonValue value = nested();
      to.put(key, value, budget.used() - before);
      in.space();
      if (in.skips('}')) {
        return;
      }
      in.expect(',');
      in.space();
    }
  }

  private String key(Set<String> earlier) {
    if (in.peek() != '"') {
      throw in.fault("has " + in.here() + " where a key in double quotes must stand");
    }
    String key = in.string();
    if (earlier.contains(key)) {
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
    budget.charge(ARRAY);
    List<JsonValue> items = new ArrayList<>();
    in.expect('[');
    in.space();
    if (in.skips(']')) {
      return new JsonValue.Arr(items);
    }
    while (true) {
      path.enterItem();
      budget.charge(ITEM);
      items.add(nested());
      in.space();
      if (in.skips(']')) {
        return new JsonValue.Arr(items);
      }
      in.expect(',');
      in.space();
    }
  }

  /** Reads a value after its key or item was entered in the path. */
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

  /** The keys of the objects around the current value; an item of an array has no key. */
  private static final class Path {

    private static final String ITEM = "";

    private final Deque<String> keys = new ArrayDeque<>();

    /** Enters the value of a key. */
    void enter(String key) {
      keys.addLast(key);
    }

    /** Enters an item of an array. */
    void enterItem() {
      keys.addLast(ITEM);
    }

    /** Leaves the value that was entered last. */
    void leave() {
      keys.removeLast();
    }

    /** {@return the number of arrays and objects around the value} */
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
   * and numbers of RFC 8259, sections 6 and 7. {@link StrictJson} checks their order.
   */
  private static final class Scanner {

    private static final int CHECKED_AT_ONCE = 1 << 13;

    /** The maximum number of UTF-8 bytes per character. */
    private static final int MOST_BYTES = 4;

    private final ByteBuffer text;
    private final int end;
    private final Dialect dialect;
    private final Path path;
    private final ParseBudget budget;
    private int at;

    private Scanner(ByteBuffer text, Dialect dialect, Path path, ParseBudget budget) {
      this.text = text;
      this.end = text.limit();
      this.dialect = dialect;
      this.path = path;
      this.budget = budget;
    }

    /**
     * Makes a scanner of a text, without a copy of the bytes.
     *
     * @param utf8 the bytes; not consumed
     * @param dialect the words for messages
     * @param path where the reader is, for messages
     * @param budget for texts and numbers
     * @throws ModelFormatException if the bytes are not UTF-8
     */
    static Scanner of(ByteBuffer utf8, Dialect dialect, Path path, ParseBudget budget) {
      ByteBuffer bytes = utf8.slice();
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
      return new Scanner(utf8.slice(), dialect, path, budget);
    }

    private char unitAt(int index) {
      return (char) Byte.toUnsignedInt(text.get(index));
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
          && (unitAt(at) == ' '
              || unitAt(at) == '\n'
              || unitAt(at) == '\r'
              || unitAt(at) == '\t')) {
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
          path.where(),
          dialect.what()
              + " is no strict JSON: at character "
              + charactersBefore(at)
              + " it "
              + detail
              + ". The file is damaged or was written by a faulty tool; fetch or write it again.");
    }
  }
}
