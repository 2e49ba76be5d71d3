package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.names.SchemeNames;
import dev.monoquant.spi.Plugins;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Reads and writes configurations with the keys of llm-compressor and compressed-tensors, so that
 * their recipes work.
 *
 * <pre>
 * scheme: int8                # or a preset, W4A16; or bits and type in weights
 * targets: [Linear]           # quantize only these
 * ignore: [lm_head, "re:.*router.*"]
 * weights: {num_bits: 8, type: int, symmetric: true, strategy: group, group_size: 128,
 *           options: {name: value}}  # options of a scheme's own
 * input_activations: {num_bits: 8, type: int, strategy: token, dynamic: true}
 * kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor}
 * config_groups:              # different settings for different layers
 *   W4A16: ["re:.*attn.*"]    # a preset
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
 * calibration: llm.safetensors  # statistics of inputs, in the folder of the recipe
 * outputs:                    # what to write in one pass, each with any key of a recipe of its own
 *   - {path: llm-fp8, scheme: FP8_DYNAMIC}
 *   - {path: llm-w4, scheme: W4A16}
 * </pre>
 *
 * <p>{@code scheme}, {@code profile}, {@code weights} and {@code input_activations} are allowed at
 * the top level, in a group and in a rule. Rules take effect in the order targets, config_groups,
 * rules, ignore; see {@link dev.monoquant.Rule}. {@code group_size} alone means {@code strategy:
 * group}. The nesting of llm-compressor ({@code quant_stage}, {@code quant_modifiers}, {@code
 * QuantizationModifier}) may surround the recipe.
 *
 * <p>A {@code quantization_config} of compressed-tensors, alone or in a whole config.json, is also
 * a recipe: every key is accepted. Keys that describe how that model was stored have no effect
 * ({@code format}, {@code quantization_status}); unsupported keys must be null or false.
 *
 * <p>All faults are reported at once, an unknown key with the nearest known one. What this does not
 * do: it does not parse YAML text; any parser can provide the tree of maps, lists, strings, numbers
 * and booleans.
 */
public final class Recipe {

  private Recipe() {}

  /**
   * {@return the configuration of a tree}
   *
   * @param tree maps, lists, strings, numbers and booleans
   * @param name the file, for messages
   * @throws ConfigurationException if keys are unknown or values not allowed; {@link
   *     ConfigurationException#problems} has a message for each, which contains the path to it, the
   *     allowed values and an example; or if the recipe has outputs or a calibration, see {@link
   *     #parseRun}
   */
  public static QuantizationConfig parse(Map<String, ?> tree, String name) {
    return parse(tree, name, RecipeLines.NONE);
  }

  /**
   * {@return the configuration of a tree that was read from text}
   *
   * @param tree maps, lists, strings, numbers and booleans
   * @param name the file, for messages
   * @param lines the lines of its keys, for messages such as {@code recipe.yaml:3: ...}
   * @throws ConfigurationException as {@link #parse(Map, String)}
   */
  public static QuantizationConfig parse(Map<String, ?> tree, String name, RecipeLines lines) {
    return configOf(RecipeParser.parse(tree, name, lines, Recipe::anyScheme), name);
  }

  /**
   * {@return the configuration and the outputs of a tree that was read from text}
   *
   * @param tree maps, lists, strings, numbers and booleans
   * @param name the file, for messages
   * @param lines the lines of its keys, for messages such as {@code recipe.yaml:3: ...}
   * @param plugins what a recipe may name: the name of a scheme that is none here, no preset and no
   *     mix is a fault, too
   * @throws ConfigurationException as {@link #parse(Map, String)}
   */
  public static RunRecipe parseRun(
      Map<String, ?> tree, String name, RecipeLines lines, Plugins plugins) {
    return RecipeParser.parse(tree, name, lines, scheme(plugins));
  }

  private static void anyScheme(String name) {
    // Without plugins the names of schemes are not known; the plan of a run checks them.
  }

  private static Consumer<String> scheme(Plugins plugins) {
    return name -> SchemeNames.requireKnown(plugins, name);
  }

  private static QuantizationConfig configOf(RunRecipe recipe, String name) {
    boolean outputs = !recipe.outputs().isEmpty();
    if (outputs || recipe.calibration().isPresent()) {
      throw new ConfigurationException(
          name
              + ": "
              + (outputs ? RecipeParser.OUTPUTS : RecipeParser.CALIBRATION)
              + ": this recipe also says what to "
              + (outputs ? "write" : "calibrate with")
              + ". Read it with Recipe.parseRun or parseRunJson, or leave the key out");
    }
    return recipe.config();
  }

  /**
   * {@return the configuration of a JSON text}
   *
   * @param json one JSON object: a recipe, or the config.json of a quantized model
   * @param name the file, for messages, which also give lines
   * @throws ConfigurationException as {@link #parse(Map, String)}, and if the text is not JSON, has
   *     a key twice, or nests deeper than 64
   */
  public static QuantizationConfig parseJson(String json, String name) {
    return configOf(RecipeJson.parse(json, name, Recipe::anyScheme), name);
  }

  /**
   * {@return the configuration and the outputs of a JSON text}
   *
   * @param json one JSON object: a recipe, or the config.json of a quantized model
   * @param name the file, for messages, which also give lines
   * @param plugins what a recipe may name, as for {@link #parseRun}
   * @throws ConfigurationException as {@link #parseJson}
   */
  public static RunRecipe parseRunJson(String json, String name, Plugins plugins) {
    return RecipeJson.parse(json, name, scheme(plugins));
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
