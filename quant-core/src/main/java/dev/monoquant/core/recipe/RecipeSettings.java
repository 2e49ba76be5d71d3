package dev.monoquant.core.recipe;

import dev.monoquant.WeightSettings;
import java.util.Optional;
import java.util.Set;

/**
 * Reads {@code scheme}, {@code profile}, {@code weights} and {@code input_activations} at any level
 * of a recipe.
 */
final class RecipeSettings {

  static final String INPUTS = "input_activations";

  static final Set<String> KEYS = Set.of("scheme", "profile", "weights", INPUTS);

  private RecipeSettings() {}

  static WeightSettings read(RecipeMap map) {
    WeightSettings weights =
        map.map("weights", "weights: {num_bits: 8, type: int, strategy: channel}")
            .map(RecipeArguments::read)
            .orElse(WeightSettings.OPEN);
    WeightSettings all =
        RecipeActivations.read(map, INPUTS).map(weights::withActivations).orElse(weights);
    Optional<String> scheme = map.text("scheme", "scheme: int8");
    WeightSettings settings =
        scheme.flatMap(id -> map.checked("scheme", () -> named(map, all, id))).orElse(all);
    return map.text("profile", "profile: compressed-tensors")
        .flatMap(id -> map.checked("profile", () -> settings.withProfile(id)))
        .orElse(settings);
  }

  private static WeightSettings named(RecipeMap map, WeightSettings all, String id) {
    WeightSettings settings = all.withScheme(id);
    map.faults().requireScheme(id);
    return settings;
  }
}
