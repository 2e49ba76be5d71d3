package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Preset;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.Selector;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.control.Output;
import dev.monoquant.model.LayerKind;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Reads the tree of a recipe.
 *
 * <p>The order of rules is: {@code targets}, {@code config_groups} in their order, {@code rules} in
 * their order, {@code ignore}.
 */
final class RecipeParser {

  static final String KV_CACHE = "kv_cache_scheme";

  static final String OUTPUTS = "outputs";
  static final String CALIBRATION = "calibration";
  private static final String PATH = "path";

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

  private static final String LIST_OF_OUTPUTS =
      "outputs: [{path: llm-fp8, scheme: FP8_DYNAMIC}, {path: llm-w4, scheme: W4A16}]";

  private static final String CALIBRATION_FILE = "calibration: llm.calibration.safetensors";

  private static final WeightSettings OPEN = WeightSettings.OPEN;
  private static final List<String> PRESETS =
      Arrays.stream(Preset.values()).map(Preset::name).toList();

  private RecipeParser() {}

  /** Reads a recipe with its list of outputs. */
  static RunRecipe parse(
      Map<String, ?> tree, String name, RecipeLines lines, Consumer<String> schemes) {
    RecipeFaults faults = new RecipeFaults(name, lines, schemes);
    RunRecipe recipe =
        RecipeForeign.recipe(RecipeMap.of(faults, "", tree))
            .map(RecipeParser::run)
            .orElse(RunRecipe.EMPTY);
    faults.throwIfAny();
    return recipe;
  }

  private static RunRecipe run(RecipeMap map) {
    QuantizationConfig config =
        read(RecipeForeign.withoutStored(map).allow(with(KEYS, OUTPUTS, CALIBRATION)));
    List<Output> outputs = new ArrayList<>();
    map.maps(OUTPUTS, LIST_OF_OUTPUTS)
        .forEach(output -> output(output, config).ifPresent(outputs::add));
    if (map.raw(OUTPUTS) instanceof List<?> list && list.isEmpty()) {
      map.fault(
          OUTPUTS,
          "an empty list writes nothing; leave the key out and name an output elsewhere. Example: "
              + LIST_OF_OUTPUTS);
    }
    Optional<Path> calibration =
        map.text(CALIBRATION, CALIBRATION_FILE)
            .flatMap(text -> map.checked(CALIBRATION, () -> path(text)));
    return new RunRecipe(config, outputs, calibration);
  }

  /** An output: its path, and the keys of a recipe that override those of the recipe. */
  private static Optional<Output> output(RecipeMap map, QuantizationConfig config) {
    if (map.has(CALIBRATION)) {
      map.fault(
          CALIBRATION,
          "all outputs of a run have the same calibration, which is at the top level of the recipe;"
              + " quantize with another one in a run of its own");
    }
    QuantizationConfig own = read(map.without(Set.of(CALIBRATION)).allow(with(KEYS, PATH)));
    if (!map.has(PATH)) {
      map.fault(PATH, "missing; an output has a path. Example: " + LIST_OF_OUTPUTS);
    }
    return map.text(PATH, LIST_OF_OUTPUTS)
        .flatMap(text -> map.checked(PATH, () -> path(text)))
        .map(path -> new Output(path, config.overrideWith(own)));
  }

  private static Path path(String text) {
    try {
      if (!text.isBlank()) {
        return Path.of(text);
      }
    } catch (InvalidPathException e) {
      throw new ConfigurationException("not a path: " + e.getReason(), e);
    }
    throw new ConfigurationException("a path is needed, not an empty text");
  }

  private static QuantizationConfig read(RecipeMap map) {
    QuantizationConfig.Builder config = QuantizationConfig.builder();
    config.weights(RecipeSettings.read(map));
    targets(map, "targets", Rule.Action.INCLUDE, config);
    map.map("config_groups", GROUPS).ifPresent(groups -> groups(groups, config));
    map.maps("rules", RULES).forEach(rule -> rule(rule).ifPresent(config::rule));
    map.texts("ignore", "ignore: [lm_head, \"re:.*norm.*\"]")
        .ifPresent(
            all -> all.forEach(p -> add(map, "ignore", Rule.Action.EXCLUDE, p, OPEN, config)));
    map.map("layers", LAYERS).ifPresent(layers -> layers(layers, config));
    map.count("min_elements", "min_elements: 4096")
        .ifPresent(
            n ->
                map.checked("min_elements", () -> builder().minElements(n).build())
                    .ifPresent(c -> config.minElements(n)));
    map.text("non_finite", "non_finite: keep")
        .flatMap(t -> map.checked("non_finite", () -> NonFinitePolicy.parse(t)))
        .ifPresent(config::nonFinite);
    map.text("ragged_groups", "ragged_groups: channel")
        .flatMap(t -> map.checked("ragged_groups", () -> RaggedGroupPolicy.parse(t)))
        .ifPresent(config::raggedGroups);
    map.flag("allow_partial_families", "allow_partial_families: true")
        .ifPresent(config::allowPartialFamilies);
    RecipeActivations.read(map, KV_CACHE).ifPresent(config::kvCache);
    map.text("format", "format: compressed-tensors")
        .filter(id -> map.checked("format", () -> builder().format(id).build()).isPresent())
        .ifPresent(config::format);
    return config.build();
  }

  private static QuantizationConfig.Builder builder() {
    return QuantizationConfig.builder();
  }

  /** Adds a rule for each pattern of a key. */
  private static void targets(
      RecipeMap map, String key, Rule.Action action, QuantizationConfig.Builder config) {
    targets(map, key).forEach(pattern -> add(map, key, action, pattern, OPEN, config));
  }

  private static List<String> targets(RecipeMap map, String key) {
    Optional<List<String>> targets = map.texts(key, TARGETS);
    if (targets.isPresent() && targets.get().isEmpty()) {
      map.fault(
          key,
          "an empty list selects nothing; leave the key out to select everything. Example: "
              + TARGETS);
    }
    return targets.orElse(List.of());
  }

  private static void add(
      RecipeMap map,
      String key,
      Rule.Action action,
      String pattern,
      WeightSettings settings,
      QuantizationConfig.Builder config) {
    map.checked(key, () -> new Rule(Selector.parse(pattern), action, settings))
        .ifPresent(config::rule);
  }

  private static void groups(RecipeMap groups, QuantizationConfig.Builder config) {
    for (String name : groups.keys()) {
      if (groups.raw(name) instanceof Map) {
        groups.map(name, GROUPS).ifPresent(group -> group(group, config));
      } else {
        preset(groups, name, config);
      }
    }
  }

  /** A group that is named after a preset and is only a list of its layers. */
  private static void preset(RecipeMap groups, String name, QuantizationConfig.Builder config) {
    Optional<Preset> preset = Preset.find(name);
    if (preset.isEmpty()) {
      boolean list = groups.raw(name) instanceof List || groups.raw(name) instanceof String;
      groups.fault(
          name,
          (list ? "only a preset has a list of layers, and this is none" : "it must be a map")
              + Nearest.of(name, PRESETS).map(n -> "; did you mean " + n + "?").orElse(".")
              + " Example: "
              + GROUPS
              + ", or config_groups: {W4A16: [Linear]}");
    } else if (preset.get() == Preset.UNQUANTIZED) {
      targets(groups, name, Rule.Action.EXCLUDE, config);
    } else {
      WeightSettings settings = OPEN.withScheme(preset.get().name());
      targets(groups, name)
          .forEach(p -> add(groups, name, Rule.Action.INCLUDE, p, settings, config));
    }
  }

  private static void group(RecipeMap given, QuantizationConfig.Builder config) {
    RecipeMap group =
        RecipeForeign.off(RecipeForeign.withoutStored(given), Set.of("output_activations"))
            .allow(GROUP);
    WeightSettings settings = RecipeSettings.read(group);
    if (!group.has("targets")) {
      group.fault("targets", "missing; a group names its layers. Example: " + GROUPS);
    }
    targets(group, "targets")
        .forEach(p -> add(group, "targets", Rule.Action.INCLUDE, p, settings, config));
  }

  private static Optional<Rule> rule(RecipeMap map) {
    map.allow(RULE);
    List<Rule.Action> actions =
        Arrays.stream(Rule.Action.values()).filter(a -> map.has(key(a))).toList();
    WeightSettings settings = RecipeSettings.read(map);
    if (actions.size() != 1) {
      map.faults()
          .add(
              map.origin(),
              map.keys().stream().findFirst().orElse(""),
              map.path()
                  + " has "
                  + (actions.isEmpty() ? "none" : "several")
                  + " of include, adjust and exclude; a rule has exactly one. Example: "
                  + RULES);
      return Optional.empty();
    }
    Rule.Action action = actions.get(0);
    String key = key(action);
    return map.text(key, key + ": \"*.fc\"")
        .flatMap(p -> map.checked(key, () -> new Rule(Selector.parse(p), action, settings)));
  }

  /** The key of a rule with an action. */
  static String key(Rule.Action action) {
    return switch (action) {
      case INCLUDE -> "include";
      case ADJUST -> "adjust";
      case EXCLUDE -> "exclude";
    };
  }

  private static void layers(RecipeMap layers, QuantizationConfig.Builder config) {
    for (String pattern : layers.keys()) {
      boolean known = layers.checked(pattern, () -> Selector.parse(pattern)).isPresent();
      Optional<String> kind = layers.text(pattern, LAYERS);
      if (kind.isPresent() && kind.get().isBlank()) {
        layers.fault(pattern, "the kind of a layer is missing. Example: " + LAYERS);
      } else if (known) {
        kind.ifPresent(text -> config.layer(pattern, new LayerKind(text)));
      }
    }
  }

  private static Set<String> with(Set<String> keys, String... more) {
    Set<String> all = new TreeSet<>(keys);
    all.addAll(List.of(more));
    return all;
  }
}
