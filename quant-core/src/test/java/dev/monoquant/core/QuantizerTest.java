package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.PlanException;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.ValidationException;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class QuantizerTest {

  static final QuantizationConfig FAKE = QuantizationConfig.builder().scheme("fake").build();

  static Quantizer quantizer(MemoryModel source, FakeScheme scheme) {
    return Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(source), scheme, new FakeLayers("fake")))
        .withThreads(2)
        .withTileElements(16);
  }

  static MemoryModel.Builder model() {
    return MemoryModel.named("fake")
        .sines("fc1.weight", 9, 8)
        .sines("fc1.bias", 9)
        .sines("norm.weight", 8)
        .sines("norm.bias", 8)
        .sines("fc2.weight", 5, 9)
        .tensor(new TensorInfo("steps", ElementType.INT64, TensorShape.of()), new byte[Long.BYTES]);
  }

  static Plan plan(MemoryModel source, QuantizationConfig config) {
    return quantizer(source, new FakeScheme()).plan(input(), config, Optional.empty());
  }

  static ModelInput input() {
    return ModelInput.of(Path.of("fake"));
  }

  @Test
  void whatIsKeptSaysHowToQuantizeIt() {
    MemoryModel source =
        model()
            .sines("mlp.gate.weight", 4, 8)
            .sines("mlp.experts.up", 4, 8, 9)
            .sines("loose", 9, 8)
            .build();
    assertThat(plan(source, FAKE).kept())
        .extracting(k -> k.tensor().name() + ": " + k.reason())
        .contains(
            "mlp.gate.weight: chooses among experts, which loaders expect in float; --layer"
                + " NAME=Linear overrules",
            "mlp.experts.up: of no known layer",
            "loose: of no known layer; if it is a weight, say so: --layer NAME=Linear");
    QuantizationConfig told =
        QuantizationConfig.builder()
            .scheme("fake")
            .layer("mlp.gate", LayerKind.LINEAR)
            .layer("loose", LayerKind.LINEAR)
            .build();
    assertThat(plan(source, told).weights())
        .extracting(w -> w.weight().name())
        .contains("mlp.gate.weight", "loose");
  }

  @Test
  void reportsEveryTensorEitherQuantizedOrKeptWithAReason() {
    MemoryModel source = model().build();
    try (QuantizedModel result = quantizer(source, new FakeScheme()).quantize(input(), FAKE)) {
      Report report = result.report();
      assertThat(report.weights())
          .extracting(WeightReport::name)
          .containsExactly("fc1.weight", "fc2.weight");
      assertThat(report.plan().kept())
          .extracting(k -> k.tensor().name() + " " + k.why().wire())
          .containsExactly(
              "fc1.bias not-a-weight",
              "norm.weight not-a-weight",
              "norm.bias not-a-weight",
              "steps not-a-weight");
      assertThat(report.plan().kept()).allSatisfy(k -> assertThat(k.reason()).isNotBlank());
      assertThat(report.plan().bytesBefore()).isEqualTo(72 * 4 + 36 + 32 + 32 + 45 * 4 + 8);
      assertThat(report.plan().bytesAfter()).isEqualTo(72 + 36 + 32 + 32 + 45 + 8);
      // Fixed point with a step of 1/64 on numbers of variance 1/2.
      assertThat(report.total().sqnrDb()).isBetween(40.0, 50.0);
      assertThat(report.total().maxError()).isBetween(0.001, 1 / 128.0);
      assertThat(report.total().cosine()).isBetween(0.9999, 1.0);
    }
    assertThat(source.reads()).isPositive();
    assertThat(source.openSources()).isZero();
  }

  @Test
  void theTotalsAreThoseOfAPlainSum() {
    MemoryModel source = MemoryModel.named("fake").sines("fc.weight", 7, 13).build();
    try (QuantizedModel result = quantizer(source, new FakeScheme()).quantize(input(), FAKE)) {
      double signal = 0;
      double noise = 0;
      double max = 0;
      for (int i = 0; i < 91; i++) {
        double x = (float) Math.sin(i + 1);
        double d = (byte) Math.rint((float) x * 64) / 64f;
        signal += x * x;
        noise += (x - d) * (x - d);
        max = Math.max(max, Math.abs(x - d));
      }
      ErrorStatistics total = result.report().total();
      assertThat(total.elements()).isEqualTo(91);
      assertThat(total.signal())
          .isCloseTo(signal, org.assertj.core.data.Percentage.withPercentage(1e-10));
      assertThat(total.noise())
          .isCloseTo(noise, org.assertj.core.data.Percentage.withPercentage(1e-8));
      assertThat(total.maxError()).isEqualTo(max);
    }
  }

  @Test
  void aHostileSchemeThatWritesIntoItsTileHurtsNobody() {
    MemoryModel source = model().build();
    byte[] before = source.data("fc1.weight");
    FakeScheme hostile =
        new FakeScheme() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            return tile -> {
              byte[] codes = codes(tile);
              Arrays.fill(tile.values(), 1e30f);
              return EncodedTile.of(tile, Map.of(Part.CODES, codes));
            };
          }
        };
    try (QuantizedModel honest =
            quantizer(model().build(), new FakeScheme()).quantize(input(), FAKE);
        QuantizedModel result = quantizer(source, hostile).quantize(input(), FAKE)) {
      assertThat(result.report().total()).isEqualTo(honest.report().total());
    }
    assertThat(source.data("fc1.weight")).isEqualTo(before);
  }

  @Test
  void aRowAxisInsideTheTensorIsGatheredAndPutBack() {
    MemoryModel source =
        MemoryModel.named("fake").sines("c_fc.weight", 6, 40).sines("c_fc.bias", 40).build();
    try (QuantizedModel result = quantizer(source, new FakeScheme()).quantize(input(), FAKE)) {
      assertThat(result.weights().get(0).matrix().rowAxis()).isEqualTo(1);
      assertThat(result.weights().get(0).matrix().rowCount()).isEqualTo(40);
      assertThat(result.report().total().maxError()).isLessThanOrEqualTo(1 / 128.0);
    }
  }

  @Test
  void whatIsNotFiniteIsRefusedWithCountsAndThePlace() {
    MemoryModel source =
        MemoryModel.named("fake")
            .floats(
                "fc.weight",
                ElementType.FLOAT32,
                TensorShape.of(2, 3),
                1,
                0,
                0,
                Float.NaN,
                Float.POSITIVE_INFINITY,
                0)
            .build();
    assertThatThrownBy(() -> quantizer(source, new FakeScheme()).quantize(input(), FAKE))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("\"fc.weight\"")
        .hasMessageContaining("1 NaN, 1 Inf of 6, first at [1,0]")
        .hasMessageContaining("--non-finite keep");
  }

  @Test
  void whatIsNotFiniteIsKeptIfThatIsThePolicy() {
    MemoryModel source =
        MemoryModel.named("fake")
            .sines("good.weight", 4, 4)
            .floats("bad.weight", ElementType.FLOAT32, TensorShape.of(1, 2), Float.NaN, 1)
            .build();
    QuantizationConfig keep =
        FAKE.overrideWith(QuantizationConfig.builder().nonFinite(NonFinitePolicy.KEEP).build());
    try (QuantizedModel result = quantizer(source, new FakeScheme()).quantize(input(), keep)) {
      assertThat(result.weights()).hasSize(1);
      assertThat(result.report().plan().kept())
          .anySatisfy(
              k -> {
                assertThat(k.tensor().name()).isEqualTo("bad.weight");
                assertThat(k.why()).isEqualTo(UnquantizedTensor.Why.NON_FINITE);
              });
    }
  }

  @Test
  void anErrorAboveTheDeclaredBoundFailsTheRun() {
    FakeScheme liar =
        new FakeScheme() {
          @Override
          public ErrorBound bound(WeightMatrix rows, OptionValues options) {
            return ErrorBound.NONE;
          }
        };
    // Without a bound nothing is wrong; with one, a decoder that drifts is.
    quantizer(model().build(), liar).quantize(input(), FAKE).close();
    FakeScheme drifting =
        new FakeScheme() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            return tile -> {
              byte[] codes = codes(tile);
              codes[0]++;
              return EncodedTile.of(tile, Map.of(Part.CODES, codes));
            };
          }
        };
    assertThatThrownBy(() -> quantizer(model().build(), drifting).quantize(input(), FAKE))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("fake@1")
        .hasMessageContaining("declares at most");
  }

  @Test
  void aPluginThatReturnsTooFewBytesIsNamed() {
    FakeScheme broken =
        new FakeScheme() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            return tile -> EncodedTile.of(tile, Map.of(Part.CODES, new byte[3]));
          }
        };
    assertThatThrownBy(() -> quantizer(model().build(), broken).quantize(input(), FAKE))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("scheme fake@1 on fc1.weight, rows 0 to 1")
        .hasMessageContaining("part codes has 3 bytes, declared are 16");
  }

  @Test
  void aPluginThatThrowsIsNamed() {
    FakeScheme broken =
        new FakeScheme() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            return tile -> {
              throw new IllegalStateException("boom");
            };
          }
        };
    assertThatThrownBy(() -> quantizer(model().build(), broken).quantize(input(), FAKE))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("fake@1")
        .hasMessageContaining("boom");
  }

  @Test
  void aRuleThatSelectsNothingIsAnErrorWithTheNearestNames() {
    QuantizationConfig config =
        FAKE.overrideWith(QuantizationConfig.builder().exclude("fc3").build());
    Plan plan = plan(model().build(), config);
    assertThat(plan.hasErrors()).isTrue();
    assertThat(plan.problems().get(0).toString())
        .contains("rule \"fc3\"", "selects no layer", "nearest are fc1, fc2");
    assertThatThrownBy(plan::requireNoErrors).isInstanceOf(PlanException.class);
  }

  @Test
  void allProblemsAreCollectedNotTheFirstOnly() {
    QuantizationConfig config =
        FAKE.overrideWith(
            QuantizationConfig.builder()
                .exclude("nope")
                .include("neither")
                .granularity(Granularity.group(7))
                .build());
    Plan plan = plan(model().build(), config);
    assertThat(plan.problems()).filteredOn(p -> p.severity() == Problem.Severity.ERROR).hasSize(2);
  }

  @Test
  void groupsThatDoNotDivideFollowThePolicy() {
    QuantizationConfig groups =
        FAKE.overrideWith(QuantizationConfig.builder().granularity(Granularity.group(4)).build());
    assertThat(plan(model().build(), groups).problems().toString())
        .contains("fc2.weight", "its 9 columns are no multiple of the group size 4");

    Plan kept = plan(model().build(), with(groups, RaggedGroupPolicy.KEEP));
    assertThat(kept.hasErrors()).isFalse();
    assertThat(kept.weights()).hasSize(1);

    Plan perChannel = plan(model().build(), with(groups, RaggedGroupPolicy.CHANNEL));
    assertThat(perChannel.hasErrors()).isFalse();
    assertThat(perChannel.problems()).hasSize(1);
    assertThat(perChannel.weights())
        .extracting(w -> w.weight().options().granularity())
        .containsExactly(Granularity.group(4), Granularity.CHANNEL);
  }

  static QuantizationConfig with(QuantizationConfig config, RaggedGroupPolicy policy) {
    return config.overrideWith(QuantizationConfig.builder().raggedGroups(policy).build());
  }

  @Test
  void quantizingNothingIsAnErrorNotASuccess() {
    MemoryModel norms =
        MemoryModel.named("fake").sines("norm.weight", 8).sines("norm.bias", 8).build();
    assertThat(plan(norms, FAKE).problems().toString())
        .contains("no weight would be quantized", "2 not-a-weight");
  }

  @Test
  void quantizingNothingIsAnErrorAlsoWhereTheReaderHadSomethingToSay() {
    MemoryModel noted =
        MemoryModel.named("fake").sines("fc1.weight", 8, 9).note("a note of the reader").build();
    Plan plan =
        plan(noted, FAKE.overrideWith(QuantizationConfig.builder().minElements(99).build()));
    assertThat(plan.hasErrors()).isTrue();
    assertThat(plan.problems().toString())
        .contains("a note of the reader")
        .contains("1 too-small; \"fc1.weight\": 72 elements are fewer than the 99 asked for");
  }

  @Test
  void excludedAndNotIncludedLayersAreKeptWithTheRuleNamed() {
    Plan plan =
        plan(
            model().build(),
            FAKE.overrideWith(QuantizationConfig.builder().include("fc*").exclude("fc2").build()));
    assertThat(plan.weights()).extracting(w -> w.weight().name()).containsExactly("fc1.weight");
    assertThat(plan.kept())
        .anySatisfy(k -> assertThat(k.reason()).isEqualTo("excluded by the rule fc2"));
  }

  @Test
  void twoLayerQuantizersThatClaimOneWeightAreNamed() {
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(model().build()),
                    new FakeScheme(),
                    new FakeLayers("one"),
                    new FakeLayers("two")));
    assertThat(quantizer.plan(input(), FAKE, Optional.empty()).problems().toString())
        .contains("two layer quantizers claim it: one and two");
  }

  @Test
  void anInterruptStopsTheRunAndStaysSet() {
    FakeScheme interrupting =
        new FakeScheme() {
          private final Thread main = Thread.currentThread();

          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            main.interrupt();
            return super.begin(rows, options, facts, compute);
          }
        };
    assertThatThrownBy(() -> quantizer(model().build(), interrupting).quantize(input(), FAKE))
        .isInstanceOf(java.util.concurrent.CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aLayerThatPrefersAsymmetricCodesGetsThemOnlyFromASchemeThatHasThem() {
    FakeLayers wishful =
        new FakeLayers("wishful") {
          @Override
          public boolean symmetricByDefault(WeightMatrix rows) {
            return false;
          }
        };
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(Plugins.of(new MemoryFormat(model().build()), new FakeScheme(), wishful));
    Plan plan = quantizer.plan(input(), FAKE, Optional.empty());
    assertThat(plan.hasErrors()).isFalse();
    assertThat(plan.weights().get(0).weight().options().symmetric()).isTrue();
  }

  @Test
  void statisticsOfNothingAndOfZeros() {
    assertThat(ErrorStatistics.EMPTY.sqnrDb()).isNaN();
    assertThat(new ErrorStatistics(2, 0, 0, 0, 0, 0).sqnrDb()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(new ErrorStatistics(2, 0, 0, 0, 0, 0).cosine()).isEqualTo(1);
    assertThat(List.of(new ErrorStatistics(2, 1, 1, 0, 0, 1).cosine())).containsExactly(0.0);
  }
}
