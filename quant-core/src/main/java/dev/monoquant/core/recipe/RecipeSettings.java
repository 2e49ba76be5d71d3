package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NumberType;
import dev.monoquant.QuantException;
import dev.monoquant.WeightSettings;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads {@code scheme}, {@code profile}, {@code weights} and {@code input_activations} at any level
 * of a recipe.
 */
final class RecipeSettings {

  static final String INPUTS = "input_activations";

  static final Set<String> KEYS = Set.of("scheme", "profile", "weights", INPUTS);

  private static final Set<String> WEIGHTS =
      Set.of(
          "num_bits", "type", "symmetric", "strategy", "group_size", "block_structure", "options");

  private static final String BLOCK = "Example: {strategy: block, block_structure: [128, 128]}";

  private RecipeSettings() {}

  static WeightSettings read(RecipeMap map) {
    WeightSettings weights =
        map.map("weights", "weights: {num_bits: 8, type: int, strategy: channel}")
            .map(RecipeSettings::weights)
            .orElse(WeightSettings.OPEN);
    WeightSettings all =
        RecipeActivations.read(map, INPUTS).map(weights::withActivations).orElse(weights);
    WeightSettings settings =
        map.text("scheme", "scheme: int8")
            .map(id -> map.checked("scheme", () -> all.withScheme(id)))
            .orElse(all);
    return map.text("profile", "profile: compressed-tensors")
        .map(id -> map.checked("profile", () -> settings.withProfile(id)))
        .orElse(settings);
  }

  private static WeightSettings weights(RecipeMap given) {
    RecipeMap map = RecipeForeign.without(given, RecipeForeign.WEIGHTS).allow(WEIGHTS);
    OptionalInt bits = map.integer("num_bits", "num_bits: 8");
    Optional<NumberType> type =
        map.text("type", "type: int").map(t -> map.checked("type", () -> NumberType.parse(t)));
    Optional<Boolean> symmetric = map.flag("symmetric", "symmetric: true");
    WeightSettings settings =
        new WeightSettings(
            Optional.empty(),
            OptionalInt.empty(),
            type,
            symmetric,
            granularity(map),
            Optional.empty(),
            Optional.empty(),
            options(map));
    return bits.isEmpty()
        ? settings
        : map.checked("num_bits", () -> settings.withBits(bits.getAsInt()));
  }

  private static Optional<Granularity> granularity(RecipeMap map) {
    Optional<String> strategy = map.text("strategy", "strategy: channel");
    OptionalInt size = map.integer("group_size", "group_size: 128");
    Optional<List<Integer>> block = block(map, strategy.orElse("block"));
    if (block.isPresent()) {
      List<Integer> sides = block.get();
      return Optional.of(
          map.checked("block_structure", () -> Granularity.block(sides.get(0), sides.get(1))));
    }
    if (size.isPresent()) {
      if (!strategy.orElse("group").equals("group")) {
        throw new ConfigurationException(
            map.at("group_size")
                + ": "
                + size.getAsInt()
                + " goes with strategy: group, and strategy is "
                + strategy.orElseThrow()
                + ". Example: {strategy: group, group_size: 128}");
      }
      return Optional.of(map.checked("group_size", () -> Granularity.group(size.getAsInt())));
    }
    return strategy.map(
        text ->
            switch (text) {
              case "tensor" -> Granularity.TENSOR;
              case "channel" -> Granularity.CHANNEL;
              case "group" ->
                  throw new ConfigurationException(
                      map.at("strategy")
                          + ": group needs a group_size. Example: {strategy: group, group_size:"
                          + " 128}");
              case "block" ->
                  throw new ConfigurationException(
                      map.at("strategy") + ": block needs a block_structure. " + BLOCK);
              default ->
                  throw new ConfigurationException(
                      map.at("strategy")
                          + ": "
                          + QuantException.quote(text)
                          + " is not known; allowed are tensor, channel, group and block. Example:"
                          + " strategy: channel");
            });
  }

  /** The two sides of a block; empty if the key is missing or null. */
  private static Optional<List<Integer>> block(RecipeMap map, String strategy) {
    String key = "block_structure";
    if (map.values().get(key) == null) {
      return Optional.empty();
    }
    List<Integer> sides = map.integers(key, "block_structure: [128, 128]").orElseThrow();
    if (sides.size() != 2 || !strategy.equals("block")) {
      throw new ConfigurationException(
          map.at(key)
              + ": "
              + sides
              + " must be rows and columns, and goes with strategy: block; strategy is "
              + strategy
              + ". "
              + BLOCK);
    }
    return Optional.of(sides);
  }

  private static Map<String, String> options(RecipeMap map) {
    Map<String, String> options = new TreeMap<>();
    String example = "options: {iterations: 20}";
    map.map("options", example)
        .ifPresent(
            given -> {
              for (String key : given.keys()) {
                options.put(key, given.scalar(key, example).orElseThrow());
              }
            });
    return options;
  }
}
