package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import java.util.Map;

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
 * ragged_groups: fail         # or keep, channel
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
 * not parse YAML or JSON text; it reads the parsed tree of maps, lists, strings, numbers and
 * booleans.
 */
public final class Recipe {

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
   * {@return the tree of a configuration, in a fixed order; {@link #parse} converts it back to an
   * equal configuration}
   *
   * @param config any configuration
   */
  public static Map<String, Object> toTree(QuantizationConfig config) {
    return RecipeWriter.toTree(config);
  }
}
