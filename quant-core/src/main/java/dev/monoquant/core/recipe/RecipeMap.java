package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.QuantException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
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
 * A map of a recipe and the path to it. Every accessor defines the allowed values of a key; any
 * other is recorded as a fault, with its path and an example, and read as if the key were missing.
 * A key without a value is also a fault.
 *
 * @param faults the faults found so far
 * @param path the keys from the root to this map, joined by dots; empty at the root
 * @param origin the map as it was read, for looking up lines
 * @param values the remaining entries; not all keys are necessarily text
 */
record RecipeMap(RecipeFaults faults, String path, Map<?, ?> origin, Map<?, ?> values) {

  /** The largest exponent of a number that is written out. */
  private static final int MAX_SCALE = 400;

  private static final int MAX_SHOWN = 64;

  static RecipeMap of(RecipeFaults faults, String path, Map<?, ?> map) {
    return new RecipeMap(faults, path, map, map);
  }

  /** Records keys that are not among the allowed ones. */
  RecipeMap allow(Collection<String> allowed) {
    for (Object key : values.keySet()) {
      if (!(key instanceof String) || !allowed.contains(key)) {
        String shown = String.valueOf(key);
        fault(
            shown,
            "unknown key"
                + Nearest.of(shown, allowed).map(n -> "; did you mean " + n + "?").orElse(".")
                + " Allowed are "
                + String.join(", ", new TreeSet<>(allowed)));
      }
    }
    return this;
  }

  /** The same map without the given keys. */
  RecipeMap without(Collection<String> keys) {
    Map<Object, Object> rest = new LinkedHashMap<>(values);
    keys.forEach(rest::remove);
    return new RecipeMap(faults, path, origin, rest);
  }

  /** The same map without those of the given keys that have no value. */
  RecipeMap withoutNulls(Collection<String> keys) {
    return without(keys.stream().filter(key -> values.get(key) == null).toList());
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** The unchecked value; null if it is missing. */
  @Nullable Object raw(String key) {
    return values.get(key);
  }

  /** All keys that are text; others are recorded. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    for (Object key : values.keySet()) {
      if (key instanceof String text) {
        keys.add(text);
      } else {
        fault(String.valueOf(key), "this key is " + describe(key) + "; keys are text");
      }
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
            v instanceof BigDecimal d && Math.abs((long) d.scale()) <= MAX_SCALE
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
        key, example, "a map", v -> v instanceof Map<?, ?> m ? of(faults, child(key), m) : null);
  }

  /** A list of maps. */
  List<RecipeMap> maps(String key, String example) {
    return get(key, example, "a list of maps", v -> v instanceof List<?> l ? l : null)
        .map(
            list -> {
              List<RecipeMap> maps = new ArrayList<>();
              for (int i = 0; i < list.size(); i++) {
                String item = child(key) + "[" + i + "]";
                if (list.get(i) instanceof Map<?, ?> m) {
                  maps.add(of(faults, item, m));
                } else {
                  faults.add(origin, key, wrong(item, list.get(i), "a map", example));
                }
              }
              return maps;
            })
        .orElseGet(List::of);
  }

  /**
   * The result of code that reads the value of a key; if the code throws, records a fault and
   * returns empty.
   */
  <T> Optional<T> checked(String key, Supplier<T> work) {
    try {
      return Optional.of(work.get());
    } catch (ConfigurationException e) {
      fault(key, String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  /** Records a fault of the value of a key. */
  void fault(String key, String message) {
    faults.add(origin, key, child(key) + ": " + message);
  }

  private <T> Optional<T> get(
      String key, String example, String allowed, Function<Object, @Nullable T> read) {
    if (!values.containsKey(key)) {
      return Optional.empty();
    }
    Object value = values.get(key);
    T result = value == null ? null : read.apply(value);
    if (result == null) {
      faults.add(origin, key, wrong(child(key), value, allowed, example));
    }
    return Optional.ofNullable(result);
  }

  private static String wrong(
      String where, @Nullable Object value, String allowed, String example) {
    return String.format(
        Locale.ROOT,
        "%s is %s; it must be %s. Example: %s",
        where,
        describe(value),
        allowed,
        example);
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
    String text = value.toString();
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
  }
}
