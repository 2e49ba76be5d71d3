package dev.monoquant.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.FakeLayers;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.report.Plan;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What of activations reaches an output, and what is said of the rest. */
class ActivationRulesTest {

  private static final ActivationQuantization TOKEN =
      ActivationQuantization.perToken(8, NumberType.INT);
  private static final ActivationQuantization CACHE =
      new ActivationQuantization(
          8, NumberType.FLOAT, Strategy.TENSOR, OptionalInt.empty(), true, Dynamic.NO);
  private static final QuantizationConfig CONFIG =
      QuantizationConfig.builder().scheme("fake").activations(TOKEN).kvCache(CACHE).build();
  private static final ModelInput INPUT = ModelInput.of(Path.of("m"));
  private static final Path TARGET = Path.of("out.memory");

  private final MemoryOutput output = new MemoryOutput();

  private Quantizer quantizer(boolean holds) {
    MemoryModel model = MemoryModel.named("m").sines("fc.weight", 32, 18).build();
    ForwardingOutput format =
        new ForwardingOutput(output) {
          @Override
          public boolean holdsActivations() {
            return holds;
          }
        };
    return Quantizer.create()
        .withPlugins(
            Plugins.of(new MemoryFormat(model), new FakeScheme(), new FakeLayers("fake"), format));
  }

  @Test
  void anOutputThatHoldsThemIsToldOfThem() {
    Plan plan = quantizer(true).quantize(INPUT, CONFIG, TARGET, false).plan();

    assertThat(output.result(TARGET).announced().kvCache()).contains(CACHE);
    assertThat(output.result(TARGET).announced().weights())
        .extracting(EncodedWeight::activations)
        .containsExactly(Optional.of(TOKEN));
    assertThat(plan.toTable())
        .contains("activations: int8 token, for the layers of 1 weight\n")
        .contains("keys and values: float8 tensor static\n");
    assertThat(plan.toJson())
        .contains("\"activations\": \"int8 token\"", "\"kv_cache\": \"float8 tensor static\"");
    assertThat(plan.problems())
        .extracting(Problem::severity)
        .containsExactly(Problem.Severity.NOTE);
  }

  @Test
  void anOutputThatDoesNotHoldsTheWeightsAloneAndTheUserIsTold() {
    Plan plan = quantizer(false).quantize(INPUT, CONFIG, TARGET, false).plan();

    assertThat(output.result(TARGET).announced().kvCache()).isEmpty();
    assertThat(output.result(TARGET).announced().weights())
        .extracting(EncodedWeight::activations)
        .containsExactly(Optional.empty());
    assertThat(plan.problems())
        .extracting(Problem::toString)
        .satisfiesExactly(
            text -> assertThat(text).contains("int8 token is left out", "compressed-tensors"),
            text -> assertThat(text).contains("float8 tensor static is left out"));
    assertThat(plan.toJson()).doesNotContain("int8 token\"", "\"kv_cache\"");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aModelAtHandIsSavedWithThem(boolean holds) {
    try (QuantizedModel model = quantizer(holds).quantize(INPUT, CONFIG)) {
      model.save(TARGET);
    }

    assertThat(output.result(TARGET).announced().kvCache())
        .isEqualTo(Optional.of(CACHE).filter(c -> holds));
    assertThat(output.result(TARGET).announced().weights())
        .extracting(EncodedWeight::activations)
        .containsExactly(Optional.of(TOKEN).filter(a -> holds));
  }

  @Test
  void scalesThatHaveToBeMeasuredAreRefused() {
    QuantizationConfig config =
        QuantizationConfig.builder().scheme("fake").activations(CACHE).build();
    assertThatThrownBy(() -> quantizer(true).plan(INPUT, config, Optional.of(TARGET)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("float8 tensor static", "measured on samples", "dynamic: true");
  }

  @Test
  void scalesThatAreGivenAreTold() {
    ActivationQuantization given = CACHE.withScale(Optional.of(0.25f));
    QuantizationConfig config =
        QuantizationConfig.builder().scheme("fake").activations(given).build();
    quantizer(true).quantize(INPUT, config, TARGET, false);
    assertThat(output.result(TARGET).announced().weights())
        .extracting(EncodedWeight::activations)
        .containsExactly(Optional.of(given));
    assertThatThrownBy(() -> QuantizationConfig.builder().kvCache(given))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("scale 0.25");
  }

  @Test
  void aCacheThatNoLoaderHasIsWarnedOf() {
    QuantizationConfig config = QuantizationConfig.builder().scheme("fake").kvCache(TOKEN).build();
    assertThat(quantizer(true).plan(INPUT, config, Optional.of(TARGET)).problems())
        .extracting(Problem::severity)
        .containsExactly(Problem.Severity.WARNING);
  }
}
