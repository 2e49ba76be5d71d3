package dev.monoquant.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.tile.Granularity;
import java.math.BigInteger;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Recipes: what they mean and what they refuse. */
class RecipeTest {

  private static QuantizationConfig parse(Map<String, ?> tree) {
    return Recipe.parse(tree, "r.yaml");
  }

  @Test
  void jsonTextIsReadAsItsTree() {
    String json =
        """
        {"scheme": "int4", "ignore": ["lm_head"], "min_elements": 4096,
         "weights": {"symmetric": true, "strategy": "group", "group_size": 128,
                     "options": {"clip": 0.5}}}
        """;
    Map<String, Object> tree = new HashMap<>();
    tree.put("scheme", "int4");
    tree.put("ignore", List.of("lm_head"));
    tree.put("min_elements", 4096);
    tree.put(
        "weights",
        Map.of(
            "symmetric",
            true,
            "strategy",
            "group",
            "group_size",
            128,
            "options",
            Map.of("clip", 0.5)));
    assertThat(Recipe.parseJson(json, "r.json")).isEqualTo(parse(tree));
    for (String wrong :
        List.of("{", "[1]", "{\"scheme\": \"int8\", \"scheme\": \"int4\"}", "{} {}")) {
      assertThatThrownBy(() -> Recipe.parseJson(wrong, "r.json"))
          .as(wrong)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith("recipe r.json");
    }
    assertThatThrownBy(() -> Recipe.parseJson("{\"schem\": \"int8\"}", "r.json"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("did you mean scheme?");
  }

  @Test
  void everyKeyIsRead() {
    QuantizationConfig config =
        parse(
            Map.of(
                "scheme",
                "int4",
                "profile",
                "torchao",
                "targets",
                List.of("Linear"),
                "ignore",
                List.of("lm_head", "re:.*router.*"),
                "weights",
                Map.of(
                    "symmetric",
                    true,
                    "strategy",
                    "group",
                    "group_size",
                    128,
                    "options",
                    Map.of("steps", 20, "search", true, "by", "mse")),
                "layers",
                Map.of("classifier.*", "Linear"),
                "min_elements",
                4096,
                "non_finite",
                "keep",
                "ragged_groups",
                "channel",
                "format",
                "compressed-tensors"));

    assertThat(config)
        .isEqualTo(
            QuantizationConfig.builder()
                .scheme("int4")
                .profile("torchao")
                .symmetric(true)
                .granularity(Granularity.group(128))
                .option("steps", "20")
                .option("search", "true")
                .option("by", "mse")
                .include("Linear")
                .exclude("lm_head")
                .exclude("re:.*router.*")
                .layer("classifier.*", LayerKind.LINEAR)
                .minElements(4096)
                .nonFinite(NonFinitePolicy.KEEP)
                .raggedGroups(RaggedGroupPolicy.CHANNEL)
                .format("compressed-tensors")
                .build());
  }

  @Test
  void rulesComeInTheDocumentedOrder() {
    Map<String, Object> tree = new HashMap<>();
    tree.put("ignore", "d");
    tree.put("rules", List.of(Map.of("adjust", "c", "weights", Map.of("num_bits", 3))));
    tree.put("config_groups", Map.of("g", Map.of("targets", "b", "scheme", "int4")));
    tree.put("targets", "a");

    assertThat(parse(tree).rules())
        .containsExactly(
            Rule.include("a"),
            Rule.include("b", WeightSettings.OPEN.withScheme("int4")),
            Rule.adjust("c", WeightSettings.OPEN.withBits(3)),
            Rule.exclude("d"));
  }

  @Test
  void groupSizeAloneMeansGroups() {
    assertThat(parse(Map.of("weights", Map.of("group_size", 32))).weights().granularity())
        .contains(Granularity.group(32));
  }

  @Test
  void theNestingOfLlmCompressorIsAccepted() {
    Map<String, Object> weights = new HashMap<>();
    weights.put("num_bits", 4);
    weights.put("strategy", "channel");
    weights.put("dynamic", false);
    weights.put("actorder", null);
    weights.put("observer_kwargs", Map.of());
    Map<String, Object> group = new HashMap<>();
    group.put("targets", List.of("Linear"));
    group.put("weights", weights);
    group.put("input_activations", null);
    Map<String, Object> modifier =
        Map.of("ignore", List.of("lm_head"), "config_groups", Map.of("group_0", group));
    QuantizationConfig expected =
        QuantizationConfig.builder()
            .rule(
                Rule.include(
                    "Linear", WeightSettings.OPEN.withBits(4).withGranularity(Granularity.CHANNEL)))
            .exclude("lm_head")
            .build();

    assertThat(parse(modifier)).isEqualTo(expected);
    Map<String, Object> modifiers = Map.of("QuantizationModifier", modifier);
    assertThat(parse(modifiers)).isEqualTo(expected);
    assertThat(parse(Map.of("quant_stage", Map.of("quant_modifiers", modifiers))))
        .isEqualTo(expected);
  }

  @Test
  void wholeNumbersOfAnyTypeAreRead() {
    for (Object four : List.of(4, 4L, BigInteger.valueOf(4), 4.0)) {
      assertThat(parse(Map.of("weights", Map.of("num_bits", four))).weights().bits()).hasValue(4);
    }
  }

  static List<Arguments> refused() {
    return List.of(
        refused(
            Map.of("input_activations", Map.of("dynamic", true, "scale", 0.5)),
            "scale 0.5 of activations goes with dynamic: false or local"),
        refused(
            Map.of("input_activations", Map.of("dynamic", false, "scale", "much")),
            "\"much\" is no number"),
        refused(
            Map.of("input_activations", Map.of("dynamic", false, "scale", -1)),
            "scale -1.0 of activations is no positive number"),
        refused(
            Map.of("input_activations", Map.of("dynamic", false, "symmetric", false, "scale", 1)),
            "needs a zero point too"),
        refused(
            Map.of("kv_cache_scheme", Map.of("dynamic", false, "scale", 1)),
            "kv_cache_scheme.scale: unknown key"),
        refused(Map.of("shceme", "int8"), "shceme: unknown key; did you mean scheme?", "targets"),
        refused(
            Map.of("weights", Map.of("bits", 8)),
            "weights.bits: unknown key",
            "group_size, num_bits, options, strategy, symmetric, type"),
        refused(Map.of("weights", 8), "weights is 8; it must be a map", "weights: {num_bits: 8"),
        refused(Collections.singletonMap("scheme", null), "scheme is without a value", "scheme:"),
        refused(
            Map.of("weights", Map.of("num_bits", "8")),
            "weights.num_bits is the text \"8\"; it must be a whole number",
            "num_bits: 8"),
        refused(Map.of("weights", Map.of("num_bits", 8.5)), "weights.num_bits is 8.5"),
        refused(Map.of("weights", Map.of("num_bits", 1L << 40)), "is 1099511627776; it must be"),
        refused(Map.of("weights", Map.of("num_bits", 17)), "weights.num_bits: bits 17"),
        refused(Map.of("weights", Map.of("symmetric", "yes")), "must be true or false"),
        refused(Map.of("weights", Map.of("type", "integer")), "weights.type: type \"integer\""),
        refused(
            Map.of("weights", Map.of("strategy", "group")),
            "weights.strategy: group needs a group_size",
            "group_size: 128"),
        refused(
            Map.of("weights", Map.of("strategy", "channel", "group_size", 64)),
            "weights.group_size: 64 goes with strategy: group, and strategy is channel"),
        refused(Map.of("weights", Map.of("group_size", 0)), "weights.group_size: group size 0"),
        refused(
            Map.of("weights", Map.of("strategy", "token")),
            "weights.strategy: \"token\" is not known; allowed are tensor, channel, group and block"),
        refused(
            Map.of("weights", Map.of("strategy", "block")),
            "weights.strategy: block needs a block_structure"),
        refused(
            Map.of("weights", Map.of("strategy", "group", "block_structure", List.of(2, 2))),
            "weights.block_structure: [2, 2] must be rows and columns, and goes with strategy: block"),
        refused(
            Map.of("weights", Map.of("block_structure", List.of(128))),
            "weights.block_structure: [128] must be rows and columns"),
        refused(
            Map.of("weights", Map.of("dynamic", true)), "weights.dynamic: this is not supported"),
        refused(Map.of("weights", Map.of("options", Map.of("a", List.of()))), "weights.options.a"),
        refused(Map.of("targets", List.of()), "targets: an empty list selects nothing"),
        refused(Map.of("targets", List.of(1)), "targets is a list with something else than text"),
        refused(Map.of("targets", "re:("), "targets: pattern \"re:(\" is no regular expression"),
        refused(Map.of("ignore", Map.of()), "ignore is a map; it must be a list of texts"),
        refused(
            Map.of("config_groups", Map.of("g0", Map.of("scheme", "int8"))),
            "config_groups.g0.targets: missing"),
        refused(
            Map.of("config_groups", Map.of("g0", Map.of("targets", "a", "weight", Map.of()))),
            "config_groups.g0.weight: unknown key; did you mean weights?"),
        refused(
            Map.of(
                "config_groups",
                Map.of("g0", Map.of("targets", "a", "output_activations", Map.of("num_bits", 8)))),
            "config_groups.g0.output_activations: this is not supported"),
        refused(Map.of("input_activations", 8), "input_activations is 8; it must be a map"),
        refused(inputs("strategy", "channel"), "input_activations.strategy: strategy \"channel\""),
        refused(inputs("bits", 8), "input_activations.bits: unknown key", "num_bits"),
        refused(inputs("num_bits", 16), "input_activations: 16 bits of type int are not known"),
        refused(inputs("dynamic", "yes"), "input_activations.dynamic: \"yes\" is not known"),
        refused(inputs("dynamic", false), "input_activations: strategy token is dynamic"),
        refused(inputs("dynamic", "local"), "input_activations: strategy token is dynamic"),
        refused(inputs("group_size", 128), "input_activations: strategy token has no group_size"),
        refused(
            inputs("strategy", "group"), "input_activations: strategy group needs a group_size"),
        refused(
            inputs("block_structure", List.of(1, 1)),
            "input_activations.block_structure: this is not supported"),
        refused(
            Map.of("kv_cache_scheme", Map.of("type", "float", "symmetric", false)),
            "kv_cache_scheme: floats are symmetric"),
        refused(
            Map.of("config_groups", Map.of("W4A16", List.of())),
            "config_groups.W4A16: an empty list selects nothing"),
        refused(
            Map.of("config_groups", Map.of("W4A17", List.of("Linear"))),
            "config_groups.W4A17: only a preset has a list of layers, and this is none; did you mean"),
        refused(Map.of("rules", List.of(3)), "rules[0] is 3; it must be a map"),
        refused(Map.of("rules", List.of(Map.of("scheme", "int8"))), "rules[0] has none of include"),
        refused(
            Map.of("rules", List.of(Map.of("include", "a", "exclude", "b"))),
            "rules[0] has several of include"),
        refused(
            Map.of("rules", List.of(Map.of("exclude", "a", "scheme", "int8"))),
            "rules[0].exclude: rule a excludes layers and gives settings"),
        refused(Map.of("layers", Map.of("a", " ")), "layers.a: the kind of a layer is missing"),
        refused(Map.of("layers", Map.of("re:(", "Linear")), "no regular expression"),
        refused(Map.of("layers", Map.of(3, "Linear")), "layers.3: this key is 3; keys are text"),
        refused(Map.of("min_elements", -1), "min_elements: minimum of -1 elements"),
        refused(Map.of("non_finite", "skip"), "non_finite: non-finite policy \"skip\""),
        refused(Map.of("ragged_groups", "pad"), "ragged_groups: ragged-group policy \"pad\""),
        refused(Map.of("format", "A b"), "format: format \"A b\" is no id"),
        refused(Map.of("scheme", "A b"), "scheme: scheme \"A b\" is no id"),
        refused(Map.of("profile", "A b"), "profile: profile \"A b\" is no id"),
        refused(
            Map.of("s_stage", Map.of("s_modifiers", Map.of("GPTQModifier", Map.of()))),
            "s_stage.s_modifiers.GPTQModifier: this modifier is not supported; QuantizationModifier"),
        refused(
            Map.of("s_stage", Map.of("s_modifiers", Map.of("Quant", Map.of()))),
            "s_stage.s_modifiers.Quant: unknown key",
            "QuantizationModifier"),
        refused(Map.of("a\nb", 1), "\"a\\u000ab\": unknown key"));
  }

  /** Activations per token with one more key, or another value. */
  private static Map<String, ?> inputs(String key, Object value) {
    Map<String, Object> args = new HashMap<>(Map.of("strategy", "token", "dynamic", true));
    args.put(key, value);
    return Map.of("input_activations", args);
  }

  @Test
  void activationsHaveTheKeysAndDefaultsOfCompressedTensors() {
    ActivationQuantization token = ActivationQuantization.perToken(8, NumberType.INT);
    assertThat(parse(inputs("symmetric", true)).weights().activations()).contains(token);
    assertThat(parse(Map.of("input_activations", Map.of("group_size", 16))).weights().activations())
        .contains(
            new ActivationQuantization(
                8,
                NumberType.INT,
                ActivationQuantization.Strategy.GROUP,
                OptionalInt.of(16),
                true,
                ActivationQuantization.Dynamic.NO));
    Map<String, Object> group = new HashMap<>(inputs("type", "float"));
    group.put("targets", "Linear");
    assertThat(parse(Map.of("config_groups", Map.of("g", group))).rules())
        .containsExactly(
            Rule.include(
                "Linear",
                WeightSettings.OPEN.withActivations(
                    ActivationQuantization.perToken(8, NumberType.FLOAT))));
    assertThat(
            parse(Map.of("kv_cache_scheme", Map.of("num_bits", 8, "type", "float")))
                .kvCache()
                .map(Object::toString))
        .contains("float8 tensor static");
  }

  @Test
  void inputsThatAreNotDynamicMayHaveAScale() {
    Map<String, Object> given = Map.of("dynamic", false, "scale", 0.0125);
    QuantizationConfig config = parse(Map.of("input_activations", given));
    assertThat(config.weights().activations().orElseThrow().scale()).contains(0.0125f);
    assertThat(parse(Recipe.toTree(config))).isEqualTo(config);
  }

  @Test
  void aGroupMayBeCalledAfterAPresetAndListItsLayers() {
    Map<String, Object> groups = new LinkedHashMap<>();
    groups.put("w4a16", List.of("Linear"));
    groups.put("UNQUANTIZED", List.of("lm_head"));
    groups.put("FP8_DYNAMIC", Map.of("targets", "a", "scheme", "int4"));
    QuantizationConfig config = parse(Map.of("config_groups", groups));
    assertThat(config.rules())
        .containsExactly(
            Rule.include("Linear", WeightSettings.OPEN.withScheme("W4A16")),
            Rule.exclude("lm_head"),
            Rule.include("a", WeightSettings.OPEN.withScheme("int4")));
    assertThat(
            Recipe.toTree(
                parse(Map.of("config_groups", Map.of("W8A8", "Linear"), "ignore", "lm_head"))))
        .isEqualTo(
            Map.of(
                "config_groups", Map.of("W8A8", List.of("Linear")), "ignore", List.of("lm_head")));
  }

  @Test
  void allFaultsAreToldAtOnceWithTheirLines() {
    String json =
        """
        {"shceme": "int8", "targets": ["re:("],
         "weights": {"num_bits": "four",
                     "strategy": "gruop"},
         "config_groups": {"a": {"weights": {}},
            "W4A17": ["x"],
            "b": {"targets": ["y \\": \\\\"], "scheme": "A b"}
         },
         "rules": [{"include": "a", "exclude": "b"}, 7],
         "min_elements": -1
        }
        """;
    assertThatThrownBy(() -> Recipe.parseJson(json, "r.json"))
        .isInstanceOfSatisfying(
            ConfigurationException.class,
            e ->
                assertThat(e.problems())
                    .satisfiesExactlyInAnyOrder(
                        p ->
                            assertThat(p).startsWith("r.json:1: shceme: unknown key; did you mean"),
                        p -> assertThat(p).startsWith("r.json:2: weights.num_bits is the text"),
                        p -> assertThat(p).startsWith("r.json:3: weights.strategy: \"gruop\""),
                        p -> assertThat(p).startsWith("r.json:1: targets: pattern"),
                        p -> assertThat(p).startsWith("r.json: config_groups.a.targets: missing"),
                        p ->
                            assertThat(p)
                                .startsWith("r.json:5: config_groups.W4A17: only a preset"),
                        p -> assertThat(p).startsWith("r.json:6: config_groups.b.scheme: scheme"),
                        p -> assertThat(p).startsWith("r.json:8: rules[0] has several of include"),
                        p -> assertThat(p).startsWith("r.json:8: rules[1] is 7; it must be a map"),
                        p -> assertThat(p).startsWith("r.json:9: min_elements: minimum of -1")))
        .hasMessageStartingWith("10 problems: r.json:1: ")
        .message()
        .doesNotContain("\n");
  }

  @Test
  void tooManyFaultsAreCounted() {
    Map<String, Object> keys = new HashMap<>();
    for (int i = 0; i < 150; i++) {
      keys.put("zzz" + i, i);
    }
    assertThatThrownBy(() -> parse(keys))
        .isInstanceOfSatisfying(
            ConfigurationException.class,
            e -> assertThat(e.problems()).hasSize(101).last().isEqualTo("r.yaml: 50 more"));
  }

  private static Arguments refused(Map<String, ?> tree, String... fragments) {
    return Arguments.of(tree, List.of(fragments));
  }

  @ParameterizedTest
  @MethodSource
  void refused(Map<String, ?> tree, List<String> fragments) {
    assertThatThrownBy(() -> parse(tree))
        .isInstanceOf(ConfigurationException.class)
        .message()
        .startsWith("r.yaml: ")
        .contains(fragments)
        .doesNotContain("\n");
  }

  @Test
  void commonRulesAreWrittenInTheCommonWords() {
    WeightSettings int4 = WeightSettings.OPEN.withBits(4).withGranularity(Granularity.group(128));
    assertThat(
            Recipe.toTree(
                QuantizationConfig.builder()
                    .include("Linear")
                    .rule(Rule.include("a", int4))
                    .rule(Rule.include("b", int4))
                    .exclude("lm_head")
                    .build()))
        .isEqualTo(
            Map.of(
                "targets",
                List.of("Linear"),
                "config_groups",
                Map.of(
                    "group_0",
                    Map.of(
                        "targets",
                        List.of("a", "b"),
                        "weights",
                        Map.of("num_bits", 4, "strategy", "group", "group_size", 128))),
                "ignore",
                List.of("lm_head")));
  }

  @Test
  void partialFamiliesAreAllowedByAFlag() {
    assertThat(Recipe.parse(Map.of("allow_partial_families", true), "r"))
        .isEqualTo(QuantizationConfig.builder().allowPartialFamilies(true).build());
    refused(
        Map.of("allow_partial_families", "yes"),
        "allow_partial_families is the text \"yes\"; it must be true or false");
  }
}
