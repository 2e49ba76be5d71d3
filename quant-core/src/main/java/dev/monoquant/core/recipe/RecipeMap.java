package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.QuantException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A map of a recipe and the path to it. Every accessor defines the allowed values of a key and
 * refuses any other with its path and an example. A missing key is empty; a key without a value is
 * refused.
 *
 * @param file the recipe, for messages
 * @param path the keys from the root to this map, joined by dots; empty at the root
 * @param values the map; its keys are not yet checked to be text
 */
record RecipeMap(String file, String path, Map<?, ?> values) {

  /** Refuses keys that are not among the allowed ones. */
  RecipeMap allow(Collection<String> allowed) {
    for (Object key : values.keySet()) {
      if (!(key instanceof String) || !allowed.contains(key)) {
        String shown = String.valueOf(key);
        throw new ConfigurationException(
            at(shown)
                + ": unknown key"
                + Nearest.of(shown, allowed).map(n -> "; did you mean " + n + "?").orElse(".")
                + " Allowed are "
                + String.join(", ", new TreeSet<>(allowed)));
      }
    }
    return this;
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** Checks that all keys are text and returns them. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    for (Object key : values.keySet()) {
      if (!(key instanceof String text)) {
        throw new ConfigurationException(
            at(String.valueOf(key)) + ": this key is " + describe(key) + "; keys are text");
      }
      keys.add(text);
    }
    return keys;
  }

  Optional<String> text(String key, String example) {
    return get(key, example, "text", v -> v instanceof String s ? s : null);
  }

  Optional<Boolean> flag(String key, String example) {
    return get(key, example, "true or false", v -> v instanceof Boolean b ? b : null);
  }

  OptionalInt integer(String key, String example) {
    return get(key, example, "a whole number of at most " + Integer.MAX_VALUE, RecipeMap::wholeInt)
        .map(OptionalInt::of)
        .orElseGet(OptionalInt::empty);
  }

  OptionalLong count(String key, String example) {
    return get(key, example, "a whole number", RecipeMap::whole)
        .map(OptionalLong::of)
        .orElseGet(OptionalLong::empty);
  }

  /** Text, a number or a flag, as text. */
  Optional<String> scalar(String key, String example) {
    return get(
        key,
        example,
        "text, a number, true or false",
        v ->
            v instanceof BigDecimal d
                ? d.toPlainString()
                : v instanceof String || v instanceof Number || v instanceof Boolean
                    ? v.toString()
                    : null);
  }

  /** A list of texts; a single text is a list of one. */
  Optional<List<String>> texts(String key, String example) {
    return get(key, example, "a list of texts", RecipeMap::list);
  }

  /** A list of whole numbers. */
  Optional<List<Integer>> integers(String key, String example) {
    return get(key, example, "a list of whole numbers", RecipeMap::wholeInts);
  }

  Optional<RecipeMap> map(String key, String example) {
    return get(
        key,
        example,
        "a map",
        v -> v instanceof Map<?, ?> m ? new RecipeMap(file, child(key), m) : null);
  }

  /** A list of maps. */
  List<RecipeMap> maps(String key, String example) {
    return get(key, example, "a list of maps", v -> v instanceof List<?> l ? l : null)
        .map(
            list -> {
              List<RecipeMap> maps = new ArrayList<>();
              for (int i = 0; i < list.size(); i++) {
                String item = child(key) + "[" + i + "]";
                if (!(list.get(i) instanceof Map<?, ?> m)) {
                  throw wrong(item, list.get(i), "a map", example);
                }
                maps.add(new RecipeMap(file, item, m));
              }
              return maps;
            })
        .orElseGet(List::of);
  }

  /** Passes a value to code that may refuse it, and adds the path of the value to the message. */
  <T> T checked(String key, Supplier<T> work) {
    try {
      return work.get();
    } catch (ConfigurationException e) {
      throw new ConfigurationException(at(key) + ": " + e.getMessage(), e);
    }
  }

  /** {@return the refusal of the value of a key} */
  ConfigurationException refusal(String key, String message) {
    return new ConfigurationException(at(key) + ": " + message);
  }

  /** {@return the file and the path to a key, for messages} */
  String at(String key) {
    return file + ": " + child(key);
  }

  private <T> Optional<T> get(
      String key, String example, String allowed, Function<Object, @Nullable T> read) {
    if (!values.containsKey(key)) {
      return Optional.empty();
    }
    Object value = values.get(key);
    T result = value == null ? null : read.apply(value);
    if (result == null) {
      throw wrong(child(key), value, allowed, example);
    }
    return Optional.of(result);
  }

  private ConfigurationException wrong(
      String where, @Nullable Object value, String allowed, String example) {
    return new ConfigurationException(
        String.format(
            Locale.ROOT,
            "%s: %s is %s; it must be %s. Example: %s",
            file,
            where,
            describe(value),
            allowed,
            example));
  }

  private String child(String key) {
    String shown = key.matches("[A-Za-z0-9_-]{1,64}") ? key : QuantException.quote(key);
    return path.isEmpty() ? shown : path + "." + shown;
  }

  private static @Nullable Long whole(Object value) {
    if (value instanceof Integer || value instanceof Long) {
      return ((Number) value).longValue();
    }
    // A tree may come from a parser that reads every number as one of these.
    BigDecimal number =
        value instanceof BigInteger i
            ? new BigDecimal(i)
            : value instanceof BigDecimal d
                ? d
                : value instanceof Double f && Double.isFinite(f) ? BigDecimal.valueOf(f) : null;
    try {
      return number == null ? null : number.longValueExact();
    } catch (ArithmeticException e) {
      return null;
    }
  }

  private static @Nullable Integer wholeInt(Object value) {
    Long number = whole(value);
    return number == null || number != number.intValue() ? null : number.intValue();
  }

  private static @Nullable List<Integer> wholeInts(Object value) {
    if (!(value instanceof List<?> items)) {
      return null;
    }
    List<Integer> numbers = new ArrayList<>();
    for (Object item : items) {
      Integer number = item == null ? null : wholeInt(item);
      if (number == null) {
        return null;
      }
      numbers.add(number);
    }
    return numbers;
  }

  private static @Nullable List<String> list(Object value) {
    if (value instanceof String single) {
      return List.of(single);
    }
    if (!(value instanceof List<?> items)) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (Object item : items) {
      if (!(item instanceof String text)) {
        return null;
      }
      texts.add(text);
    }
    return texts;
  }

  private static String describe(@Nullable Object value) {
    if (value == null) {
      return "without a value";
    }
    if (value instanceof Map<?, ?>) {
      return "a map";
    }
    if (value instanceof List<?> list) {
      return list.stream().allMatch(String.class::isInstance)
          ? "a list"
          : "a list with something else than text in it";
    }
    if (value instanceof String text) {
      return "the text " + QuantException.quote(text);
    }
    return value.toString();
  }
}
