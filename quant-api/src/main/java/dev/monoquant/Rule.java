package dev.monoquant;

import static java.util.Objects.requireNonNull;

/**
 * One line of a configuration about some layers.
 *
 * <p>How rules combine: a layer that any {@link Action#EXCLUDE} selects is kept. If there are
 * {@link Action#INCLUDE} rules at all, a layer that none of them selects is kept. The settings of
 * all including rules that select a layer are laid over the configuration's own, in order, so that
 * a later rule wins field by field.
 *
 * @param selector which layers
 * @param action what to do with them
 * @param settings how to quantize them; open for EXCLUDE
 */
public record Rule(Selector selector, Action action, WeightSettings settings) {

  /** What a rule does with the layers it selects. */
  public enum Action {
    /** Quantize them, and only what some such rule selects. */
    INCLUDE,
    /** Change their settings; which layers are quantized is not touched. */
    ADJUST,
    /** Keep them as they are, whatever other rules say. */
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
   * {@return a rule that changes settings only}
   *
   * @param pattern a pattern, see {@link Selector}
   * @param settings how to quantize the layers, if they are quantized
   */
  public static Rule adjust(String pattern, WeightSettings settings) {
    return new Rule(Selector.parse(pattern), Action.ADJUST, settings);
  }

  /**
   * {@return a rule that keeps layers as they are}
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
