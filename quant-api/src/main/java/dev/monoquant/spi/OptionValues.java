package dev.monoquant.spi;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the options of a plugin's own are set to, as they arrive at the plugin: checked against
 * their descriptions, with every default filled in.
 *
 * <pre>{@code
 * int rows = values.get(ROWS);
 * }</pre>
 *
 * <p>What this does not do: it knows no descriptions. An option that is not in it has the default
 * of the description it is asked for with. Immutable.
 *
 * @param texts values by the names of their options, in canonical form, see {@link OptionSpec}
 */
public record OptionValues(Map<String, String> texts) {

  /** Nothing set: every option has its default. */
  public static final OptionValues DEFAULTS = new OptionValues(Map.of());

  /** Copies the map. */
  public OptionValues {
    texts = Collections.unmodifiableMap(new TreeMap<>(texts));
  }

  /**
   * {@return the value of an option; its default if nothing is said}
   *
   * @param option one that the plugin describes
   * @param <T> the type of the value
   * @throws dev.monoquant.ConfigurationException if the value is not allowed
   */
  public <T> T get(OptionSpec<T> option) {
    String text = texts.get(option.name());
    return text == null ? option.defaultValue() : option.parse(text);
  }
}
