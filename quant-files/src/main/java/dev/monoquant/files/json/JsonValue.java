package dev.monoquant.files.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A JSON value as read: object keys keep their order, numbers keep their digits. Immutable. */
public sealed interface JsonValue {

  /**
   * An object.
   *
   * @param members the values by key, in the order of the text
   */
  record Obj(Map<String, JsonValue> members) implements JsonValue {
    /** The members of an object that is read; nothing changes them later: they are not copied. */
    static final class Read extends LinkedHashMap<String, JsonValue> {

      private static final long serialVersionUID = 1L;
    }

    /** Copies the map, keeping its order. */
    public Obj {
      members =
          Collections.unmodifiableMap(
              members instanceof Read ? members : new LinkedHashMap<>(members));
    }

    /**
     * {@return the value, or empty if the key is absent or its value is null}
     *
     * @param key a key
     */
    public Optional<JsonValue> find(String key) {
      return Optional.ofNullable(members.get(key)).filter(v -> v != Literal.NULL);
    }

    /**
     * {@return the text, or empty if the key is absent or its value is not a text}
     *
     * @param key a key
     */
    public Optional<String> text(String key) {
      return find(key).map(v -> v instanceof Str s ? s.value() : null);
    }
  }

  /**
   * An array.
   *
   * @param items its values
   */
  record Arr(List<JsonValue> items) implements JsonValue {
    /** Copies the list. */
    public Arr {
      items = Collections.unmodifiableList(new ArrayList<>(items));
    }
  }

  /**
   * A text.
   *
   * @param value the text with all escapes resolved
   */
  record Str(String value) implements JsonValue {}

  /**
   * A number.
   *
   * @param text its digits as read
   */
  record Num(String text) implements JsonValue {

    /**
     * {@return a number}
     *
     * @param value its value
     */
    public static Num of(long value) {
      return new Num(Long.toString(value));
    }

    /** {@return whether this is a non-negative integer without sign, point or exponent} */
    public boolean isCount() {
      for (int i = 0; i < text.length(); i++) {
        if (text.charAt(i) < '0' || text.charAt(i) > '9') {
          return false;
        }
      }
      return true;
    }

    /** {@return the value, or empty if it is not a count or exceeds 63 bits} */
    public Optional<Long> count() {
      if (!isCount() || text.length() > 19) {
        return Optional.empty();
      }
      try {
        return Optional.of(Long.parseLong(text));
      } catch (NumberFormatException beyond63Bits) {
        return Optional.empty();
      }
    }
  }

  /** The three literals. */
  enum Literal implements JsonValue {
    /** {@code true}. */
    TRUE("true"),
    /** {@code false}. */
    FALSE("false"),
    /** {@code null}. */
    NULL("null");

    private final String word;

    Literal(String word) {
      this.word = word;
    }

    /** {@return the word} */
    public String word() {
      return word;
    }
  }

  /**
   * {@return true or false}
   *
   * @param value the truth value
   */
  static JsonValue of(boolean value) {
    return value ? Literal.TRUE : Literal.FALSE;
  }

  /**
   * {@return a text}
   *
   * @param value its characters
   */
  static JsonValue of(String value) {
    return new Str(value);
  }

  /** {@return what kind of value this is, for messages} */
  default String kind() {
    if (this instanceof Obj) {
      return "an object";
    } else if (this instanceof Arr) {
      return "an array";
    } else if (this instanceof Str) {
      return "a text";
    } else if (this instanceof Num) {
      return "a number";
    }
    return ((Literal) this).word();
  }
}
