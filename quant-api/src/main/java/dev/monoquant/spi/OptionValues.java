package dev.monoquant.spi;

import dev.monoquant.tile.Granularity;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The values of a plugin's options, as the plugin receives them: checked against their
 * descriptions, with all defaults filled in but those that are {@linkplain OptionSpec#implied
 * implied}.
 *
 * <pre>{@code
 * int steps = options.get(ITERATIONS);
 * int columns = options.granularity().columns(weight.columnCount());
 * }</pre>
 *
 * <p>What this does not do: it does not hold descriptions. An option without a value has the
 * default of the description passed to {@link #get}. Immutable.
 *
 * @param texts values by the names of their options, in canonical form, see {@link OptionSpec}
 */
public record OptionValues(Map<String, String> texts) {

  /** No values: every option has its default. */
  public static final OptionValues DEFAULTS = new OptionValues(Map.of());

  /** Copies the map. */
  public OptionValues {
    texts = Collections.unmodifiableMap(new TreeMap<>(texts));
  }

  /**
   * {@return values of the four common options, with the profile of the built-in integer schemes}
   *
   * @param bits bits of one code
   * @param symmetric whether codes are symmetric
   * @param granularity how many values share a scale
   */
  public static OptionValues of(int bits, boolean symmetric, Granularity granularity) {
    return DEFAULTS
        .with(CommonOptions.BITS, bits)
        .with(CommonOptions.SYMMETRIC, symmetric)
        .with(CommonOptions.GRANULARITY, granularity)
        .with(CommonOptions.PROFILE, CommonOptions.COMPRESSED_TENSORS);
  }

  /**
   * {@return the defaults of all options but those that are {@linkplain OptionSpec#implied
   * implied}}
   *
   * @param options the descriptions
   */
  public static OptionValues defaults(Collection<OptionSpec<?>> options) {
    Map<String, String> texts = new TreeMap<>();
    for (OptionSpec<?> option : options) {
      if (!option.isImplied()) {
        texts.put(option.name(), option.examples().get(0));
      }
    }
    return new OptionValues(texts);
  }

  /**
   * {@return these values without those that are {@linkplain OptionSpec#implied implied}: two ways
   * to say the same become one}
   *
   * @param options the descriptions
   */
  public OptionValues withoutImplied(Collection<OptionSpec<?>> options) {
    Map<String, String> left = new TreeMap<>(texts);
    for (OptionSpec<?> option : options) {
      if (option.isImplied()) {
        left.remove(option.name(), option.examples().get(0));
      }
    }
    return new OptionValues(left);
  }

  /**
   * {@return the value of an option; its default if there is no value, as in files written before
   * the plugin had the option}
   *
   * @param option an option that the plugin declares
   * @param <T> the type of the value
   * @throws dev.monoquant.ConfigurationException if the value is not allowed
   */
  public <T> T get(OptionSpec<T> option) {
    return find(option).orElse(option.defaultValue());
  }

  /**
   * {@return the value of an option; empty if there is no value}
   *
   * @param option its description
   * @param <T> the type of the value
   * @throws dev.monoquant.ConfigurationException if the value is not allowed
   */
  public <T> Optional<T> find(OptionSpec<T> option) {
    String text = texts.get(option.name());
    return text == null ? Optional.empty() : Optional.of(option.parse(text));
  }

  /**
   * {@return a copy of these values with one changed}
   *
   * @param option the option
   * @param value its value
   * @param <T> the type of the value
   */
  public <T> OptionValues with(OptionSpec<T> option, T value) {
    return with(Map.of(option.name(), option.text(value)));
  }

  /**
   * {@return a copy of these values with some changed}
   *
   * @param changed values in canonical form by the names of their options
   */
  public OptionValues with(Map<String, String> changed) {
    Map<String, String> all = new TreeMap<>(texts);
    all.putAll(changed);
    return new OptionValues(all);
  }

  /**
   * {@return bits of one code}
   *
   * @throws NoSuchElementException if the scheme does not have this option
   */
  public int bits() {
    return require(CommonOptions.BITS);
  }

  /**
   * {@return whether zero is the middle of the codes and no zero point is stored}
   *
   * @throws NoSuchElementException if the scheme does not have this option
   */
  public boolean symmetric() {
    return require(CommonOptions.SYMMETRIC);
  }

  /**
   * {@return how many values share a scale}
   *
   * @throws NoSuchElementException if the scheme does not have this option
   */
  public Granularity granularity() {
    return require(CommonOptions.GRANULARITY);
  }

  /**
   * {@return the library whose formulas are used}
   *
   * @throws NoSuchElementException if the scheme does not have this option
   */
  public String profile() {
    return require(CommonOptions.PROFILE);
  }

  /** {@return the values of options that are not in {@link CommonOptions#NAMES}} */
  public Map<String, String> own() {
    Map<String, String> own = new TreeMap<>(texts);
    own.keySet().removeAll(CommonOptions.NAMES);
    return Collections.unmodifiableMap(own);
  }

  private <T> T require(OptionSpec<T> option) {
    return find(option)
        .orElseThrow(
            () ->
                new NoSuchElementException(
                    "option " + option.name() + " is not among [" + this + "]"));
  }

  /** {@return such as {@code bits=8, granularity=channel}} */
  @Override
  public String toString() {
    return texts.entrySet().stream()
        .map(e -> e.getKey() + "=" + e.getValue())
        .collect(Collectors.joining(", "));
  }
}
