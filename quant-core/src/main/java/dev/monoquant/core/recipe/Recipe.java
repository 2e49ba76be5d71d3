package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes configurations with the keys of llm-compressor and compressed-tensors, so that
 * their recipes work.
 *
 * <pre>
 * scheme: int8                # or bits and type in weights
 * targets: [Linear]           # quantize only these
 * ignore: [lm_head, "re:.*router.*"]
 * weights: {num_bits: 8, type: int, symmetric: true, strategy: group, group_size: 128,
 *           options: {name: value}}  # options of a scheme's own
 * config_groups:              # different settings for different layers
 *   group_0:
 *     targets: ["re:.*mlp.*"]
 *     weights: {num_bits: 4, strategy: group, group_size: 128}
 * rules:                      # where the order matters, or settings change without selecting
 *   - {adjust: "re:.*down.*", weights: {num_bits: 8}}
 * layers: {"classifier.*": Linear}   # what the layers of a state dict are
 * min_elements: 4096
 * non_finite: fail            # or keep, clamp
 * ragged_groups: fail         # or keep, channel, smaller, ragged
 * format: compressed-tensors
 * profile: compressed-tensors
 * </pre>
 *
 * <p>{@code scheme}, {@code profile} and {@code weights} are allowed at the top level, in a group
 * and in a rule. Rules take effect in the order targets, config_groups, rules, ignore; see {@link
 * dev.monoquant.Rule}. {@code group_size} alone means {@code strategy: group}. The nesting of
 * llm-compressor ({@code quant_stage}, {@code quant_modifiers}, {@code QuantizationModifier}) may
 * surround the recipe; their keys for features that this project does not support, such as {@code
 * input_activations}, must be null or false.
 *
 * <p>An unknown key is an error that names the nearest known key. What this does not do: it does
 * not parse YAML text; a tree of maps, lists, strings, numbers and booleans may come from anywhere.
 */
public final class Recipe {

  private static final int MAX_DEPTH = 64;

  private Recipe() {}

  /**
   * {@return the configuration of a tree}
   *
   * @param tree maps, lists, strings, numbers and booleans
   * @param name the file, for messages
   * @throws ConfigurationException if a key is unknown or a value not allowed; the message contains
   *     the path to it, the allowed values and an example
   */
  public static QuantizationConfig parse(Map<String, ?> tree, String name) {
    return RecipeParser.parse(tree, name);
  }

  /**
   * {@return the configuration of a JSON text}
   *
   * @param json one JSON object, strictly
   * @param name the file, for messages
   * @throws ConfigurationException as {@link #parse}, and if the text is not JSON, or has a key
   *     twice
   */
  public static QuantizationConfig parseJson(String json, String name) {
    JsonValue value;
    try {
      value =
          StrictJson.parse(
              ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)),
              new StrictJson.Dialect(
                  name, "the recipe", Reason.HEADER_JSON, Reason.HEADER_JSON, MAX_DEPTH, false));
    } catch (ModelFormatException e) {
      throw new ConfigurationException("recipe " + e.getMessage(), e);
    }
    if (!(value instanceof JsonValue.Obj object)) {
      throw new ConfigurationException(
          "recipe "
              + name
              + " is no map of settings. Example: {\"scheme\": \"int8\", \"ignore\": [\"lm_head\"]}");
    }
    return parse(map(object), name);
  }

  private static Map<String, @Nullable Object> map(JsonValue.Obj object) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    object.members().forEach((key, value) -> map.put(key, plain(value)));
    return map;
  }

  /** Depth is bounded by {@link #MAX_DEPTH}. */
  private static @Nullable Object plain(JsonValue value) {
    if (value instanceof JsonValue.Obj object) {
      return map(object);
    }
    if (value instanceof JsonValue.Arr array) {
      List<@Nullable Object> list = new ArrayList<>();
      array.items().forEach(item -> list.add(plain(item)));
      return list;
    }
    if (value instanceof JsonValue.Str text) {
      return text.value();
    }
    if (value instanceof JsonValue.Num number) {
      Optional<Long> count = number.count();
      return count.isPresent() ? (Object) count.get() : (Object) Double.valueOf(number.text());
    }
    return value == JsonValue.Literal.NULL ? null : (Object) (value == JsonValue.Literal.TRUE);
  }

  /**
   * {@return the tree of a configuration, in a fixed order; {@link #parse} converts it back to an
   * equal configuration}
   *
   * @param config any configuration
   */
  public static Map<String, Object> toTree(QuantizationConfig config) {
    return RecipeWriter.toTree(config);
  }
}
