package dev.monoquant.core.recipe;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Preset;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.NumberType;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the tree of a recipe: the inverse of {@link RecipeParser}.
 *
 * <p>Rules are written with the keys of compressed-tensors ({@code targets}, {@code config_groups},
 * {@code ignore}) if these can express them in their order, and otherwise with the list {@code
 * rules}.
 */
final class RecipeWriter {

  private RecipeWriter() {}

  static Map<String, Object> toTree(QuantizationConfig config) {
    Map<String, Object> tree = new LinkedHashMap<>();
    config.weights().scheme().ifPresent(s -> tree.put("scheme", s));
    rules(config.rules(), tree);
    weights(config.weights(), tree);
    if (!config.layerMap().isEmpty()) {
      Map<String, Object> layers = new LinkedHashMap<>();
      config.layerMap().forEach((pattern, kind) -> layers.put(pattern, kind.name()));
      tree.put("layers", layers);
    }
    config.minElements().ifPresent(n -> tree.put("min_elements", n));
    config.nonFinite().map(NonFinitePolicy::wire).ifPresent(p -> tree.put("non_finite", p));
    config.raggedGroups().map(RaggedGroupPolicy::wire).ifPresent(p -> tree.put("ragged_groups", p));
    config.allowPartialFamilies().ifPresent(a -> tree.put("allow_partial_families", a));
    config.kvCache().ifPresent(k -> tree.put(RecipeParser.KV_CACHE, RecipeActivations.write(k)));
    config.format().ifPresent(f -> tree.put("format", f));
    config.weights().profile().ifPresent(p -> tree.put("profile", p));
    return tree;
  }

  private static void rules(List<Rule> rules, Map<String, Object> tree) {
    List<String> targets = new ArrayList<>();
    List<Rule> grouped = new ArrayList<>();
    List<String> ignore = new ArrayList<>();
    int reached = 0;
    for (Rule rule : rules) {
      int place = place(rule);
      if (place < reached) {
        tree.put("rules", rules.stream().map(RecipeWriter::rule).toList());
        return;
      }
      reached = place;
      switch (place) {
        case 0 -> targets.add(rule.selector().text());
        case 1 -> grouped.add(rule);
        default -> ignore.add(rule.selector().text());
      }
    }
    if (!targets.isEmpty()) {
      tree.put("targets", targets);
    }
    if (!grouped.isEmpty()) {
      tree.put("config_groups", groups(grouped));
    }
    if (!ignore.isEmpty()) {
      tree.put("ignore", ignore);
    }
  }

  /**
   * The position of a compressed-tensors key in the order of rules; -1 if no key can express the
   * rule.
   */
  private static int place(Rule rule) {
    return switch (rule.action()) {
      case INCLUDE -> rule.settings().isOpen() ? 0 : 1;
      case ADJUST -> -1;
      case EXCLUDE -> 2;
    };
  }

  private static Map<String, Object> groups(List<Rule> rules) {
    Map<String, Object> groups = new LinkedHashMap<>();
    int number = 0;
    for (int start = 0, end; start < rules.size(); start = end) {
      WeightSettings settings = rules.get(start).settings();
      List<String> targets = new ArrayList<>();
      for (end = start; end < rules.size() && rules.get(end).settings().equals(settings); end++) {
        targets.add(rules.get(end).selector().text());
      }
      Optional<String> preset = settings.scheme().filter(s -> Preset.find(s).isPresent());
      if (preset.isPresent()
          && settings.equals(WeightSettings.OPEN.withScheme(preset.get()))
          && !groups.containsKey(preset.get())) {
        groups.put(preset.get(), targets);
        continue;
      }
      Map<String, Object> group = new LinkedHashMap<>();
      group.put("targets", targets);
      settings(settings, group);
      groups.put("group_" + number++, group);
    }
    return groups;
  }

  private static Map<String, Object> rule(Rule rule) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(RecipeParser.key(rule.action()), rule.selector().text());
    settings(rule.settings(), map);
    return map;
  }

  private static void settings(WeightSettings settings, Map<String, Object> tree) {
    settings.scheme().ifPresent(s -> tree.put("scheme", s));
    settings.profile().ifPresent(p -> tree.put("profile", p));
    weights(settings, tree);
  }

  private static void weights(WeightSettings settings, Map<String, Object> tree) {
    Map<String, Object> weights = new LinkedHashMap<>();
    settings.bits().ifPresent(b -> weights.put("num_bits", b));
    settings.type().map(NumberType::wire).ifPresent(t -> weights.put("type", t));
    settings.symmetric().ifPresent(s -> weights.put("symmetric", s));
    settings.granularity().ifPresent(g -> granularity(g, weights));
    if (!settings.extra().isEmpty()) {
      weights.put("options", new LinkedHashMap<>(settings.extra()));
    }
    if (!weights.isEmpty()) {
      tree.put("weights", weights);
    }
    settings
        .activations()
        .ifPresent(a -> tree.put(RecipeSettings.INPUTS, RecipeActivations.write(a)));
  }

  private static void granularity(Granularity granularity, Map<String, Object> weights) {
    if (granularity instanceof Granularity.PerGroup group) {
      weights.put("strategy", "group");
      weights.put("group_size", group.size());
    } else if (granularity instanceof Granularity.PerBlock block) {
      weights.put("strategy", "block");
      weights.put("block_structure", List.of(block.rows(), block.cols()));
    } else {
      weights.put("strategy", granularity.wire());
    }
  }
}
