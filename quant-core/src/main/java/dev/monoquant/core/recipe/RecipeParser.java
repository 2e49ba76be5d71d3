package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Preset;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.Selector;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.LayerKind;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads the tree of a recipe.
 *
 * <p>The order of rules is: {@code targets}, {@code config_groups} in their order, {@code rules} in
 * their order, {@code ignore}.
 */
final class RecipeParser {

  static final String KV_CACHE = "kv_cache_scheme";

  private static final Set<String> KEYS =
      with(
          RecipeSettings.KEYS,
          "targets",
          "ignore",
          "config_groups",
          "rules",
          "layers",
          "min_elements",
          "non_finite",
          "ragged_groups",
          "allow_partial_families",
          KV_CACHE,
          "format");

  private static final Set<String> GROUP = with(RecipeSettings.KEYS, "targets");
  private static final Set<String> RULE = with(RecipeSettings.KEYS, "include", "adjust", "exclude");

  private static final String TARGETS = "targets: [Linear, \"re:.*mlp.*\"]";
  private static final String GROUPS =
      "config_groups: {group_0: {targets: [\"re:.*mlp.*\"], weights: {num_bits: 4, group_size:"
          + " 128}}}";
  private static final String RULES = "rules: [{include: \"*.fc\"}, {exclude: lm_head}]";
  private static final String LAYERS = "layers: {\"classifier.*\": Linear}";

  private RecipeParser() {}

  static QuantizationConfig parse(Map<String, ?> tree, String name) {
    RecipeMap map = RecipeForeign.unwrapped(new RecipeMap(name, "", tree)).allow(KEYS);
    QuantizationConfig.Builder config = QuantizationConfig.builder();
    config.weights(RecipeSettings.read(map));
    targets(map, "targets").forEach(p -> config.rule(rule(map, "targets", Rule.Action.INCLUDE, p)));
    map.map("config_groups", GROUPS).ifPresent(groups -> groups(groups, config));
    map.maps("rules", RULES).forEach(rule -> config.rule(rule(rule)));
    map.texts("ignore", "ignore: [lm_head, \"re:.*norm.*\"]")
        .ifPresent(
            all -> all.forEach(p -> config.rule(rule(map, "ignore", Rule.Action.EXCLUDE, p))));
    map.map("layers", LAYERS).ifPresent(layers -> layers(layers, config));
    map.count("min_elements", "min_elements: 4096").ifPresent(config::minElements);
    map.text("non_finite", "non_finite: keep")
        .map(t -> map.checked("non_finite", () -> NonFinitePolicy.parse(t)))
        .ifPresent(config::nonFinite);
    map.text("ragged_groups", "ragged_groups: channel")
        .map(t -> map.checked("ragged_groups", () -> RaggedGroupPolicy.parse(t)))
        .ifPresent(config::raggedGroups);
    map.flag("allow_partial_families", "allow_partial_families: true")
        .ifPresent(config::allowPartialFamilies);
    RecipeActivations.read(map, KV_CACHE).ifPresent(config::kvCache);
    map.text("format", "format: compressed-tensors").ifPresent(config::format);
    try {
      return config.build();
    } catch (ConfigurationException e) {
      throw new ConfigurationException(name + ": " + e.getMessage(), e);
    }
  }

  /** A group that is called after a preset, and is only a list of its layers. */
  private static Rule preset(RecipeMap groups, String name, Preset preset, String pattern) {
    return preset == Preset.UNQUANTIZED
        ? rule(groups, name, Rule.Action.EXCLUDE, pattern)
        : groups.checked(
            name, () -> Rule.include(pattern, WeightSettings.OPEN.withScheme(preset.name())));
  }

  private static List<String> targets(RecipeMap map, String key) {
    List<String> targets = map.texts(key, TARGETS).orElse(List.of());
    if (map.has(key) && targets.isEmpty()) {
      throw new ConfigurationException(
          map.at(key)
              + ": an empty list selects nothing; leave the key out to select everything. Example: "
              + TARGETS);
    }
    return targets;
  }

  private static void groups(RecipeMap groups, QuantizationConfig.Builder config) {
    for (String name : groups.keys()) {
      if (Preset.find(name).isPresent() && !(groups.values().get(name) instanceof Map)) {
        Preset preset = Preset.find(name).get();
        targets(groups, name).forEach(p -> config.rule(preset(groups, name, preset, p)));
        continue;
      }
      RecipeMap given = groups.map(name, GROUPS).orElseThrow();
      RecipeMap group = RecipeForeign.without(given, RecipeForeign.GROUP).allow(GROUP);
      WeightSettings settings = RecipeSettings.read(group);
      if (!group.has("targets")) {
        throw new ConfigurationException(
            group.at("targets") + ": missing; a group names its layers. Example: " + GROUPS);
      }
      for (String pattern : targets(group, "targets")) {
        Selector selector = group.checked("targets", () -> Selector.parse(pattern));
        config.rule(new Rule(selector, Rule.Action.INCLUDE, settings));
      }
    }
  }

  private static Rule rule(RecipeMap map) {
    map.allow(RULE);
    List<Rule.Action> actions =
        Arrays.stream(Rule.Action.values()).filter(a -> map.has(key(a))).toList();
    if (actions.size() != 1) {
      throw new ConfigurationException(
          map.file()
              + ": "
              + map.path()
              + " has "
              + (actions.isEmpty() ? "none" : "several")
              + " of include, adjust and exclude; a rule has exactly one. Example: "
              + RULES);
    }
    Rule.Action action = actions.get(0);
    String key = key(action);
    String pattern = map.text(key, key + ": \"*.fc\"").orElseThrow();
    WeightSettings settings = RecipeSettings.read(map);
    return map.checked(key, () -> new Rule(Selector.parse(pattern), action, settings));
  }

  /** The key of a rule with an action. */
  static String key(Rule.Action action) {
    return switch (action) {
      case INCLUDE -> "include";
      case ADJUST -> "adjust";
      case EXCLUDE -> "exclude";
    };
  }

  private static Rule rule(RecipeMap map, String key, Rule.Action action, String pattern) {
    return map.checked(key, () -> new Rule(Selector.parse(pattern), action, WeightSettings.OPEN));
  }

  private static void layers(RecipeMap layers, QuantizationConfig.Builder config) {
    for (String pattern : layers.keys()) {
      layers.checked(pattern, () -> Selector.parse(pattern));
      String kind = layers.text(pattern, LAYERS).orElseThrow();
      if (kind.isBlank()) {
        throw new ConfigurationException(
            layers.at(pattern) + ": the kind of a layer is missing. Example: " + LAYERS);
      }
      config.layer(pattern, new LayerKind(kind));
    }
  }

  private static Set<String> with(Set<String> keys, String... more) {
    Set<String> all = new TreeSet<>(keys);
    all.addAll(List.of(more));
    return all;
  }
}
