package dev.monoquant.core.recipe;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the recipe inside other structures: the stages and modifiers of llm-compressor, and the
 * config.json of a published model, whose {@code quantization_config} is a recipe.
 *
 * <p>Every key of the QuantizationConfig of compressed-tensors is accepted. Some only describe how
 * that model was made or stored and have no effect; some must be off.
 */
final class RecipeForeign {

  static final String METHOD = "quant_method";

  /** Keys that hold the recipe in config.json, newer first. */
  private static final Set<String> CONFIGS = Set.of("quantization_config", "compression_config");

  /** Keys that identify a config.json, with or without one of the above. */
  private static final Set<String> MODEL = Set.of("model_type", "architectures");

  /** Keys of a published configuration that do not affect quantization. */
  private static final Set<String> TOLD =
      Set.of(METHOD, "quantization_status", "global_compression_ratio", "version");

  /** Keys of a published configuration for unsupported features. */
  private static final Set<String> OFF =
      Set.of("sparsity_config", "transform_config", "moe_sparsity_config");

  /**
   * Names of the formats in which compressed-tensors stores weights; they follow from the scheme.
   */
  private static final Set<String> STORED =
      Set.of(
          "dense",
          "pack-quantized",
          "int-quantized",
          "float-quantized",
          "naive-quantized",
          "nvfp4-pack-quantized",
          "mxfp4-pack-quantized",
          "mxfp8-quantized",
          "mixed-precision");

  private static final String MODIFIER = "QuantizationModifier";

  private RecipeForeign() {}

  /**
   * The map of the recipe: the map itself or an inner map; empty if there is none, which is
   * recorded as a fault.
   */
  static Optional<RecipeMap> recipe(RecipeMap root) {
    Optional<String> inside = CONFIGS.stream().sorted().filter(root::has).reduce((a, b) -> b);
    if (inside.isPresent()) {
      return root.map(inside.get(), inside.get() + ": {quant_method: compressed-tensors, ...}")
          .flatMap(RecipeForeign::published);
    }
    if (MODEL.stream().anyMatch(root::has)) {
      root.fault(
          "quantization_config",
          "missing: this is the configuration of a model that is not quantized, and no recipe."
              + " Give the config.json of a quantized one, or a recipe. Example: {scheme: W4A16}");
      return Optional.empty();
    }
    return root.has(METHOD) ? published(root) : unwrapped(root);
  }

  /** A published configuration without the keys that have no effect here. */
  private static Optional<RecipeMap> published(RecipeMap map) {
    String method = map.text(METHOD, METHOD + ": compressed-tensors").orElse("compressed-tensors");
    if (!method.equals("compressed-tensors")) {
      map.fault(
          METHOD,
          "the keys of "
              + method
              + " are not those of compressed-tensors, which recipes have"
              + instead(method).map(preset -> "; the nearest preset is " + preset).orElse("")
              + ". Example: {scheme: W4A16}");
      return Optional.empty();
    }
    return Optional.of(off(map, OFF).without(TOLD));
  }

  /** The preset nearest to a method of another convention. */
  private static Optional<String> instead(String method) {
    return switch (method) {
      case "gptq" -> Optional.of("W4A16");
      case "awq" -> Optional.of("W4A16_ASYM");
      case "fp8" -> Optional.of("FP8_BLOCK");
      case "mxfp4" -> Optional.of("MXFP4A16");
      case "modelopt" -> Optional.of("NVFP4A16 or FP8_DYNAMIC");
      default -> Optional.empty();
    };
  }

  /**
   * The innermost map of {@code *_stage: {*_modifiers: {QuantizationModifier: {...}}}}, with or
   * without the outer maps; the map itself if it is not nested.
   */
  private static Optional<RecipeMap> unwrapped(RecipeMap map) {
    if (map.values().size() != 1 || map.keys().isEmpty()) {
      return Optional.of(map);
    }
    String key = map.keys().get(0);
    if (key.equals(MODIFIER)) {
      return map.map(key, MODIFIER + ": {scheme: W4A16}");
    }
    if (key.endsWith("_stage")) {
      return map.map(key, key + ": {quant_modifiers: {...}}").flatMap(RecipeForeign::unwrapped);
    }
    if (key.endsWith("_modifiers")) {
      return map.map(key, key + ": {" + MODIFIER + ": {...}}").flatMap(RecipeForeign::modifier);
    }
    return Optional.of(map);
  }

  private static Optional<RecipeMap> modifier(RecipeMap modifiers) {
    for (String name : modifiers.keys()) {
      if (name.endsWith("Modifier") && !name.equals(MODIFIER)) {
        modifiers.fault(
            name,
            "this modifier is not supported; "
                + MODIFIER
                + ", which needs no samples, is. Example: "
                + MODIFIER
                + ": {scheme: W4A16}");
      }
    }
    RecipeMap known =
        modifiers.without(modifiers.keys().stream().filter(n -> n.endsWith("Modifier")).toList());
    known.allow(Set.of(MODIFIER));
    return modifiers.has(MODIFIER)
        ? modifiers.map(MODIFIER, MODIFIER + ": {scheme: W4A16}")
        : Optional.empty();
  }

  /**
   * The map without {@code format}, if that is a storage format of compressed-tensors; the name of
   * an output format stays.
   */
  static RecipeMap withoutStored(RecipeMap map) {
    Object format = map.raw("format");
    return (format == null && map.has("format")) || STORED.contains(String.valueOf(format))
        ? map.without(Set.of("format"))
        : map;
  }

  /** The map without the given keys, each of which must be null, false or an empty map. */
  static RecipeMap off(RecipeMap map, Set<String> foreign) {
    for (String key : foreign) {
      Object value = map.raw(key);
      if (value != null && !value.equals(false) && !value.equals(Map.of()) && !isDense(value)) {
        map.fault(key, "this is not supported. Leave it out, or set it to null");
      }
    }
    return map.without(foreign);
  }

  private static boolean isDense(Object value) {
    return value instanceof Map<?, ?> map
        && "dense".equals(String.valueOf(map.get("format")).toLowerCase(Locale.ROOT));
  }
}
