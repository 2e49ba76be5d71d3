package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
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

  /** Estimated bytes of an object, an entry in one, an array, and a value in one. */
  private static final int OBJECT = 160;

  private static final int MEMBER = 64;
  private static final int ARRAY = 80;
  private static final int ITEM = 8;

  /** The last object or array of some keys: that of the next weight is often the same. */
  private static final int MOST_REPEATED = 32;

  private static final int LONGEST_REPEATED = 1 << 10;

  /** A value, its text, the number of arrays and objects around it, and what it was charged. */
  private static final class Earlier {

    final int depth;
    final byte[] text;
    final JsonValue value;
    final long charged;

    Earlier(int depth, byte[] text, JsonValue value, long charged) {
      this.depth = depth;
      this.text = text;
      this.value = value;
      this.charged = charged;
    }
  }

  private final Map<String, Earlier> repeats = new HashMap<>();
  private final JsonDialect dialect;
  private final Path path = new Path();
  private final ParseBudget budget;
  private final JsonScanner in;

  private StrictJson(JsonBytes utf8, JsonDialect dialect) {
    this.dialect = dialect;
    this.budget = new ParseBudget(dialect.file(), dialect.maxParsedBytes());
    this.in = new JsonScanner(utf8, dialect, path::where, budget);
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
  public static JsonValue parse(ByteBuffer utf8, JsonDialect dialect) {
    return new StrictJson(JsonBytes.of(utf8), dialect).document();
  }

  /** Takes the members of an object one after another. */
  @FunctionalInterface
  public interface Members {
    /**
     * Takes a member.
     *
     * @param key its key
     * @param value its value
     * @return the bytes of memory that are kept of the value, which {@link
     *     JsonDialect#maxParsedBytes} bounds
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
  public static void parse(ByteBuffer utf8, JsonDialect dialect, Members members) {
    parse(JsonBytes.of(utf8), dialect, members);
  }

  /**
   * Reads one document that is an object, of which one member at a time is in memory.
   *
   * @param utf8 the bytes, read in blocks
   * @param dialect how to read, and the words for messages
   * @param members takes the members, in the order of the text, before faults behind them are found
   * @throws ModelFormatException if the bytes are not exactly one JSON object, with optional white
   *     space around it
   */
  public static void parse(JsonBytes utf8, JsonDialect dialect, Members members) {
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
    Map<String, JsonValue> members = new JsonValue.Obj.Read();
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
      JsonValue value = repeated(key);
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

  /**
   * Reads the value of a key, or takes the last one of this key and depth if its text is the same.
   */
  private JsonValue repeated(String key) {
    char first = in.peek();
    if (path.depth() == 1 || (first != '{' && first != '[')) {
      return nested();
    }
    Earlier earlier = repeats.get(key);
    if (earlier != null && earlier.depth == path.depth() && in.skips(earlier.text)) {
      budget.charge(earlier.charged);
      path.leave();
      return earlier.value;
    }
    int start = in.position();
    int depth = path.depth();
    long before = budget.used();
    JsonValue value = nested();
    byte[] text = in.position() - start > LONGEST_REPEATED ? null : in.since(start);
    if (text != null && (earlier != null || repeats.size() < MOST_REPEATED)) {
      repeats.put(key, new Earlier(depth, text, value, budget.used() - before));
    }
    return value;
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
}
