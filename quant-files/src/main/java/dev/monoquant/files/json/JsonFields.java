package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorShape;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The fields of a JSON object read from a model: exactly the expected ones, each checked. */
public final class JsonFields {

  /**
   * Makes the exceptions for one description.
   *
   * @param file the file, for messages
   * @param text the name of the description in messages
   */
  public record Fault(String file, String text) {

    private static final String ADVICE =
        " The file was changed by another program or is damaged; quantize the original again.";

    /**
     * {@return an exception}
     *
     * @param where the part of the description, quoted if needed
     * @param detail what is wrong
     */
    public ModelFormatException of(String where, String detail) {
      return new ModelFormatException(
          Reason.METADATA, file, where, detail + " (" + text + ")." + ADVICE);
    }

    /**
     * {@return an exception for a value that a constructor refused}
     *
     * @param where the part of the description, quoted if needed
     * @param cause the exception of the constructor
     */
    public ModelFormatException of(String where, RuntimeException cause) {
      return new ModelFormatException(
          Reason.METADATA,
          file,
          where,
          quote(String.valueOf(cause.getMessage())) + "." + ADVICE,
          cause);
    }
  }

  private final Fault fault;
  private final String where;
  private final Map<String, JsonValue> members;

  /**
   * Checks that an object has exactly the given fields.
   *
   * @param fault makes the exceptions
   * @param where what the object describes, for messages
   * @param json the object
   * @param names the names of the fields
   * @throws ModelFormatException if it is not an object or has other fields
   */
  public JsonFields(Fault fault, String where, JsonValue json, Set<String> names) {
    this.fault = fault;
    this.where = where;
    if (!(json instanceof JsonValue.Obj object) || !object.members().keySet().equals(names)) {
      throw fault.of(where, "must be an object with exactly the fields " + new TreeSet<>(names));
    }
    this.members = object.members();
  }

  /** {@return what the object describes, for messages} */
  public String where() {
    return where;
  }

  /**
   * {@return the value}
   *
   * @param key one of the fields
   */
  public JsonValue get(String key) {
    return requireNonNull(members.get(key), key);
  }

  /**
   * {@return the text}
   *
   * @param key one of the fields
   * @throws ModelFormatException if the value has another type; the methods below throw it too
   */
  public String text(String key) {
    if (get(key) instanceof JsonValue.Str text) {
      return text.value();
    }
    throw fault.of(where, key + " is " + get(key).kind() + ", not a text");
  }

  /**
   * {@return the integer from 0 to 2^63-1}
   *
   * @param key one of the fields
   */
  public long number(String key) {
    return number(key, get(key));
  }

  /**
   * {@return the integer from 0 to 2^63-1}
   *
   * @param key what the value is part of, for messages
   * @param json a value
   */
  public long number(String key, JsonValue json) {
    Optional<Long> count = json instanceof JsonValue.Num number ? number.count() : Optional.empty();
    if (count.isPresent()) {
      return count.get();
    }
    throw fault.of(where, key + " holds something that is no integer from 0 to 2^63-1");
  }

  /**
   * {@return the integer from 0 to 2^31-1}
   *
   * @param key one of the fields
   * @throws ArithmeticException if it is larger
   */
  public int count(String key) {
    return Math.toIntExact(number(key));
  }

  /**
   * {@return true or false}
   *
   * @param key one of the fields
   */
  public boolean flag(String key) {
    if (get(key) == JsonValue.Literal.TRUE || get(key) == JsonValue.Literal.FALSE) {
      return get(key) == JsonValue.Literal.TRUE;
    }
    throw fault.of(where, key + " is " + get(key).kind() + ", not true or false");
  }

  /**
   * {@return the integers of an array}
   *
   * @param key one of the fields
   */
  public long[] numbers(String key) {
    if (!(get(key) instanceof JsonValue.Arr array)) {
      throw fault.of(where, key + " is " + get(key).kind() + ", not an array");
    }
    long[] numbers = new long[array.items().size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number(key, array.items().get(i));
    }
    return numbers;
  }

  /**
   * {@return the dimensions}
   *
   * @param key one of the fields
   */
  public TensorShape shape(String key) {
    return TensorShape.of(numbers(key));
  }

  /**
   * {@return the texts of an object, sorted by key}
   *
   * @param key one of the fields
   */
  public Map<String, String> texts(String key) {
    if (!(get(key) instanceof JsonValue.Obj object)) {
      throw fault.of(where, key + " is no object");
    }
    Map<String, String> texts = new TreeMap<>(JsonText.BY_CODE_POINT);
    object
        .members()
        .forEach(
            (name, value) -> {
              if (!(value instanceof JsonValue.Str text)) {
                throw fault.of(where, "option " + quote(name) + " is no text");
              }
              texts.put(name, text.value());
            });
    return texts;
  }
}
