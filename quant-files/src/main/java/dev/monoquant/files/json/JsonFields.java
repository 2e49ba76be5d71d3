package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorShape;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The fields of an object in a description that came with a model: exactly these, each checked. */
public final class JsonFields {

  /**
   * The refusals of one description.
   *
   * @param file the file, for messages
   * @param text what the description is called there
   */
  public record Fault(String file, String text) {

    private static final String ADVICE =
        " The file was changed by another program or is damaged; quantize the original again.";

    /**
     * {@return a refusal}
     *
     * @param where what of the description, quoted where it needs to be
     * @param detail what is wrong
     */
    public ModelFormatException of(String where, String detail) {
      return new ModelFormatException(
          Reason.METADATA, file, where, detail + " (" + text + ")." + ADVICE);
    }

    /**
     * {@return a refusal for what a value would not be made of}
     *
     * @param where what of the description, quoted where it needs to be
     * @param cause what made it known
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
   * Checks that an object has exactly some fields.
   *
   * @param fault the refusals
   * @param where what it describes, for messages
   * @param json a value
   * @param names the fields
   * @throws ModelFormatException if it is no object or has other fields
   */
  public JsonFields(Fault fault, String where, JsonValue json, Set<String> names) {
    this.fault = fault;
    this.where = where;
    if (!(json instanceof JsonValue.Obj object) || !object.members().keySet().equals(names)) {
      throw fault.of(where, "must be an object with exactly the fields " + new TreeSet<>(names));
    }
    this.members = object.members();
  }

  /** {@return what it describes, for messages} */
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
   * @throws ModelFormatException if it is something else; so do all below
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
   * @param key what it is part of, for messages
   * @param json a value
   */
  public long number(String key, JsonValue json) {
    if (json instanceof JsonValue.Num number && number.count().isPresent()) {
      return number.count().get();
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
