package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Handles keys of llm-compressor and compressed-tensors recipes that this project does not use: the
 * nesting by stages and modifiers, and keys for unsupported features, which must be off.
 */
final class RecipeForeign {

  /**
   * Keys of compressed-tensors' QuantizationArgs for features that this project does not support.
   */
  static final Set<String> WEIGHTS =
      Set.of("dynamic", "actorder", "observer", "observer_kwargs", "scale_dtype", "zp_dtype");

  /** The same for activations. */
  static final Set<String> ACTIVATIONS =
      Set.of(
          "block_structure", "actorder", "observer", "observer_kwargs", "scale_dtype", "zp_dtype");

  /** Keys of compressed-tensors' QuantizationScheme that are not supported. */
  static final Set<String> GROUP = Set.of("output_activations");

  private static final String MODIFIER = "QuantizationModifier";

  private RecipeForeign() {}

  /**
   * The innermost map of {@code *_stage: {*_modifiers: {QuantizationModifier: {...}}}}, with or
   * without the outer maps; the map itself if it is not nested.
   */
  static RecipeMap unwrapped(RecipeMap map) {
    if (map.values().size() != 1) {
      return map;
    }
    String key = map.keys().get(0);
    if (key.equals(MODIFIER)) {
      return map.map(key, MODIFIER + ": {scheme: int8}").orElseThrow();
    }
    if (key.endsWith("_stage")) {
      return unwrapped(map.map(key, key + ": {quant_modifiers: {...}}").orElseThrow());
    }
    if (key.endsWith("_modifiers")) {
      RecipeMap modifiers = map.map(key, key + ": {" + MODIFIER + ": {...}}").orElseThrow();
      return unwrapped(modifiers.allow(Set.of(MODIFIER)));
    }
    return map;
  }

  /** The map without the given keys, each of which must be null, false or an empty map. */
  static RecipeMap without(RecipeMap map, Set<String> foreign) {
    Map<Object, Object> rest = new LinkedHashMap<>(map.values());
    for (String key : foreign) {
      Object value = rest.remove(key);
      if (value != null && !value.equals(false) && !value.equals(Map.of())) {
        throw new ConfigurationException(
            map.at(key) + ": this is not supported. Leave it out, or set it to null");
      }
    }
    return new RecipeMap(map.file(), map.path(), rest);
  }
}
