package dev.monoquant.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Writing and reading a recipe are inverses. */
class RecipeRoundTripTest {

  @Property
  void readingIsTheInverseOfWriting(@ForAll("configs") QuantizationConfig config) {
    QuantizationConfig again = Recipe.parse(Recipe.toTree(config), "r.yaml");

    assertThat(again).isEqualTo(config);
    assertThat(List.copyOf(again.layerMap().keySet()))
        .as("the order of the layer map, where the first match wins")
        .isEqualTo(List.copyOf(config.layerMap().keySet()));
  }

  @Provide
  Arbitrary<QuantizationConfig> configs() {
    Arbitrary<String> patterns =
        Arbitraries.of("Linear", "*.fc", "re:.*mlp.*", "kind:Conv2d", "lm_head", "a b", "\u00e9");
    Arbitrary<Rule> rules =
        Combinators.combine(patterns, Arbitraries.of(Rule.Action.values()), settings())
            .as(
                (pattern, action, settings) ->
                    switch (action) {
                      case INCLUDE -> Rule.include(pattern, settings);
                      case ADJUST -> Rule.adjust(pattern, settings);
                      case EXCLUDE -> Rule.exclude(pattern);
                    });
    Arbitrary<LayerKind> kinds = Arbitraries.of("Linear", "Norm", "acme.Mixer").map(LayerKind::new);
    return Combinators.combine(
            settings(),
            rules.list().ofMaxSize(5),
            Arbitraries.maps(patterns, kinds).ofMaxSize(3),
            Arbitraries.longs().between(0, Long.MAX_VALUE).optional(),
            Arbitraries.of(NonFinitePolicy.values()).optional(),
            Arbitraries.of(RaggedGroupPolicy.values()).optional(),
            Combinators.combine(Arbitraries.of(true, false).optional(), activations().optional())
                .as(Map::entry),
            Arbitraries.of("safetensors", "acme/blob").optional())
        .as(
            (weights, ruleList, layers, min, nonFinite, ragged, more, format) -> {
              var config = QuantizationConfig.builder().weights(weights);
              Optional<Boolean> partial = more.getKey();
              more.getValue().ifPresent(config::kvCache);
              ruleList.forEach(config::rule);
              layers.forEach(config::layer);
              min.ifPresent(config::minElements);
              nonFinite.ifPresent(config::nonFinite);
              ragged.ifPresent(config::raggedGroups);
              partial.ifPresent(config::allowPartialFamilies);
              format.ifPresent(config::format);
              return config.build();
            });
  }

  private static Arbitrary<ActivationQuantization> activations() {
    return Arbitraries.of(
        ActivationQuantization.perToken(8, NumberType.FLOAT),
        ActivationQuantization.perToken(4, NumberType.INT),
        ActivationQuantization.perGroup(8, 128),
        new ActivationQuantization(
            8,
            NumberType.INT,
            ActivationQuantization.Strategy.TENSOR,
            OptionalInt.empty(),
            false,
            ActivationQuantization.Dynamic.NO),
        new ActivationQuantization(
            4,
            NumberType.FLOAT,
            ActivationQuantization.Strategy.TENSOR_GROUP,
            OptionalInt.of(16),
            true,
            ActivationQuantization.Dynamic.LOCAL));
  }

  private static Arbitrary<WeightSettings> settings() {
    Arbitrary<Granularity> granularities =
        Arbitraries.oneOf(
            Arbitraries.of(Granularity.TENSOR, Granularity.CHANNEL, Granularity.block(128, 64)),
            Arbitraries.integers().between(1, Integer.MAX_VALUE).map(Granularity::group));
    Arbitrary<Map<String, String>> extra =
        Arbitraries.maps(Arbitraries.of("steps", "by", "a.b"), Arbitraries.of("1", "true", "", "x"))
            .ofMaxSize(2);
    return Combinators.combine(
            Arbitraries.of("int8", "acme/pow2", "W4A16", "FP8_DYNAMIC").optional(),
            Arbitraries.integers().between(1, 16).optional(),
            Arbitraries.of(NumberType.values()).optional(),
            Arbitraries.of(true, false).optional(),
            granularities.optional(),
            Arbitraries.of("torchao", "quanto").optional(),
            activations().optional(),
            extra)
        .as(
            (scheme, bits, type, symmetric, granularity, profile, activations, options) -> {
              WeightSettings settings = WeightSettings.OPEN;
              if (scheme.isPresent()) {
                settings = settings.withScheme(scheme.get());
              }
              if (bits.isPresent()) {
                settings = settings.withBits(bits.get());
              }
              if (type.isPresent()) {
                settings = settings.withType(type.get());
              }
              if (symmetric.isPresent()) {
                settings = settings.withSymmetric(symmetric.get());
              }
              if (granularity.isPresent()) {
                settings = settings.withGranularity(granularity.get());
              }
              if (activations.isPresent()) {
                settings = settings.withActivations(activations.get());
              }
              if (profile.isPresent()) {
                settings = settings.withProfile(profile.get());
              }
              for (Map.Entry<String, String> option : options.entrySet()) {
                settings = settings.withExtra(option.getKey(), option.getValue());
              }
              return settings;
            });
  }
}
