package dev.monoquant;

import static java.util.Objects.requireNonNull;

/**
 * A rule of a configuration for selected layers.
 *
 * <p>How rules combine: a layer that any {@link Action#EXCLUDE} rule selects is left unquantized.
 * If there are {@link Action#INCLUDE} rules, a layer that none of them selects is left unquantized.
 * The settings of all {@code INCLUDE} and {@code ADJUST} rules that select a layer override the
 * configuration's settings in order, so that a later rule wins field by field.
 *
 * @param selector the layers
 * @param action what to do with them
 * @param settings how to quantize them; no field is set for EXCLUDE
 */
public record Rule(Selector selector, Action action, WeightSettings settings) {

  /** What a rule does with the layers it selects. */
  public enum Action {
    /** Quantize them; layers that no rule of this kind selects are left unquantized. */
    INCLUDE,
    /** Change their settings; has no effect on which layers are quantized. */
    ADJUST,
    /** Leave them unquantized; takes precedence over all other rules. */
    EXCLUDE
  }

  /** Checks that an excluding rule carries no settings. */
  public Rule {
    requireNonNull(selector, "selector");
    requireNonNull(action, "action");
    requireNonNull(settings, "settings");
    if (action == Action.EXCLUDE && !settings.isOpen()) {
      throw new ConfigurationException(
          "rule " + selector + " excludes layers and gives settings for them; drop one of the two");
    }
  }

  /**
   * {@return a rule that selects layers to quantize}
   *
   * @param pattern a pattern, see {@link Selector}
   */
  public static Rule include(String pattern) {
    return include(pattern, WeightSettings.OPEN);
  }

  /**
   * {@return a rule that selects layers to quantize}
   *
   * @param pattern a pattern, see {@link Selector}
   * @param settings how to quantize the layers
   */
  public static Rule include(String pattern, WeightSettings settings) {
    return new Rule(Selector.parse(pattern), Action.INCLUDE, settings);
  }

  /**
   * {@return a rule that only changes settings}
   *
   * @param pattern a pattern, see {@link Selector}
   * @param settings how to quantize the layers, if they are quantized
   */
  public static Rule adjust(String pattern, WeightSettings settings) {
    return new Rule(Selector.parse(pattern), Action.ADJUST, settings);
  }

  /**
   * {@return a rule that leaves layers unquantized}
   *
   * @param pattern a pattern, see {@link Selector}
   */
  public static Rule exclude(String pattern) {
    return new Rule(Selector.parse(pattern), Action.EXCLUDE, WeightSettings.OPEN);
  }

  Rule with(WeightSettings over) {
    return new Rule(selector, action, settings.overrideWith(over));
  }
}
