package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The values of a {@code config.json}, for authors of {@link GgufArchitecture}. A key whose value
 * is null counts as absent. Immutable.
 *
 * <p>What this does not do: it knows no defaults of transformers, and it does not look into parts
 * of the configuration; the values of {@code text_config} are at the root.
 *
 * @param file the file, for messages
 * @param values the values by key: {@code String}, {@code Boolean}, {@code Long} for an integer,
 *     {@code Double} for any other number, {@code List}, or {@code Map} by {@code String}
 */
public record Hyperparameters(String file, Map<String, Object> values) {

  /** Copies the map, keeping its order. */
  public Hyperparameters {
    requireNonNull(file, "file");
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /**
   * {@return an integer from 0 to 2^31-1; empty if the key is absent}
   *
   * @param key such as {@code hidden_size}
   * @throws ModelFormatException if the value is anything else
   */
  public Optional<Integer> count(String key) {
    return find(key)
        .map(
            value -> {
              if (value instanceof Long number && number >= 0 && number <= Integer.MAX_VALUE) {
                return Math.toIntExact(number);
              }
              throw fault(key, "an integer from 0 to 2147483647");
            });
  }

  /**
   * {@return a positive integer}
   *
   * @param key such as {@code hidden_size}
   * @throws ModelFormatException if the key is absent or the value is anything else
   */
  public int require(String key) {
    Optional<Integer> count = count(key);
    if (count.isEmpty() || count.get() == 0) {
      throw fault(key, "an integer from 1 to 2147483647, which the conversion needs");
    }
    return count.get();
  }

  /**
   * {@return a finite number; empty if the key is absent}
   *
   * @param key such as {@code rms_norm_eps}
   * @throws ModelFormatException if the value is anything else
   */
  public Optional<Double> number(String key) {
    return find(key)
        .map(
            value -> {
              if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
                return number.doubleValue();
              }
              throw fault(key, "a number");
            });
  }

  /**
   * {@return a text; empty if the key is absent}
   *
   * @param key such as {@code model_type}
   * @throws ModelFormatException if the value is anything else
   */
  public Optional<String> text(String key) {
    return find(key)
        .map(
            value -> {
              if (value instanceof String text) {
                return text;
              }
              throw fault(key, "a text");
            });
  }

  /**
   * {@return true or false; empty if the key is absent}
   *
   * @param key such as {@code tie_word_embeddings}
   * @throws ModelFormatException if the value is anything else
   */
  public Optional<Boolean> flag(String key) {
    return find(key)
        .map(
            value -> {
              if (value instanceof Boolean flag) {
                return flag;
              }
              throw fault(key, "true or false");
            });
  }

  /**
   * {@return finite numbers; empty if the key is absent}
   *
   * @param key such as {@code long_factor}
   * @throws ModelFormatException if the value is anything else
   */
  public List<Double> numbers(String key) {
    Object value = values.get(key);
    List<Double> numbers = new ArrayList<>();
    if (value == null) {
      return numbers;
    }
    if (!(value instanceof List<?> items)) {
      throw fault(key, "an array of numbers");
    }
    for (Object item : items) {
      if (!(item instanceof Number number) || !Double.isFinite(number.doubleValue())) {
        throw fault(key, "an array of numbers");
      }
      numbers.add(number.doubleValue());
    }
    return numbers;
  }

  /**
   * {@return the values of an object within; empty if the key is absent or its value is no object}
   *
   * @param key such as {@code rope_parameters}
   */
  public Optional<Hyperparameters> part(String key) {
    if (!(values.get(key) instanceof Map<?, ?> map)) {
      return Optional.empty();
    }
    Map<String, Object> inner = new LinkedHashMap<>();
    map.forEach((name, value) -> inner.put(String.valueOf(name), value));
    return Optional.of(new Hyperparameters(file, inner));
  }

  private Optional<Object> find(String key) {
    return Optional.ofNullable(values.get(key));
  }

  private ModelFormatException fault(String key, String expected) {
    Object value = values.get(key);
    return new ModelFormatException(
        Reason.METADATA,
        file,
        "value " + QuantException.quote(key),
        (value == null ? "is absent" : "is " + QuantException.quote(String.valueOf(value)))
            + "; it must be "
            + expected
            + ". The file is damaged or of another kind of model; fetch it again.");
  }
}
