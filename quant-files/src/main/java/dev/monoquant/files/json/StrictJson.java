package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
  private final JsonPath path = new JsonPath();
  private final JsonScanner in;

  private StrictJson(ByteBuffer utf8, Dialect dialect) {
    this.dialect = dialect;
    this.in = JsonScanner.of(utf8, dialect, path);
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
}
