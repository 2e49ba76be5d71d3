package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.UnquantizedTensor.Why;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingSession;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Groups that do not divide the columns: the scheme refuses or takes them, the policy decides. */
class RaggedGroupsTest {

  private static final String REASON = "its 18 columns are no multiple of the group size 4";

  /** A scheme that has groups only. */
  private static class Groups extends FakeScheme {
    @Override
    public List<OptionSpec<?>> options() {
      return List.of(
          CommonOptions.bits(8),
          CommonOptions.symmetric(true),
          CommonOptions.granularity("group:4", "group:N"));
    }
  }

  /** One that takes ragged groups. */
  private static final class AnyGroups extends Groups {
    @Override
    public Fit fit(WeightMatrix rows, OptionValues options) {
      return Fit.of(
          Encoding.affine(
              Part.perElement(Part.CODES, ElementType.INT8),
              Part.perGroup(Part.SCALE, ElementType.FLOAT32, options.granularity().columns(18))));
    }
  }

  /** One that has channels but none for such weights. */
  private static final class NoChannels extends FakeScheme {
    @Override
    public Fit fit(WeightMatrix rows, OptionValues options) {
      return options.granularity().equals(Granularity.CHANNEL)
          ? Fit.not("its 18 columns are too many for one scale")
          : super.fit(rows, options);
    }
  }

  /** One that takes them where it is told to. */
  private static final class ShortGroups extends Groups {
    @Override
    public List<OptionSpec<?>> options() {
      return Stream.concat(super.options().stream(), Stream.of(CommonOptions.RAGGED)).toList();
    }
  }

  private static Plan plan(Scheme scheme, RaggedGroupPolicy policy) {
    return plan(scheme, policy, 18);
  }

  private static Plan plan(Scheme scheme, RaggedGroupPolicy policy, int cols) {
    MemoryModel model = MemoryModel.named("m").sines("fc.weight", 32, cols).build();
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("fake")
            .granularity(Granularity.group(4))
            .raggedGroups(policy)
            .build();
    return Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(model), scheme, new FakeLayers("fake")))
        .plan(ModelInput.of(Path.of("m")), config, Optional.empty());
  }

  private static Problem problem(Scheme scheme, RaggedGroupPolicy policy) {
    Plan plan = plan(scheme, policy);
    assertThat(plan.problems()).hasSize(1);
    return plan.problems().get(0);
  }

  /** What the output leaves in float anyway need not fit the groups. */
  @Test
  void aLayerThatTheOutputDoesNotHoldIsNoProblem() {
    Scheme none =
        new Groups() {
          @Override
          public Fit fit(WeightMatrix rows, OptionValues options) {
            return Fit.not(REASON);
          }
        };
    ForwardingOutput output =
        new ForwardingOutput(new MemoryOutput()) {
          @Override
          protected OutputSession opened(OutputSession session) {
            return new ForwardingSession(super.opened(session)) {
              @Override
              public Optional<String> unsupportedLayer(WeightMatrix weight) {
                return Optional.of("no such layers");
              }
            };
          }
        };
    MemoryModel model = MemoryModel.named("m").sines("fc.weight", 32, 18).build();
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(Plugins.of(new MemoryFormat(model), none, new FakeLayers("fake"), output));
    QuantizationConfig config = QuantizationConfig.builder().scheme("fake").build();
    ModelInput input = ModelInput.of(Path.of("m"));
    Plan plan = quantizer.plan(input, config, Optional.of(Path.of("out.memory")));
    assertThat(plan.problems()).extracting(Problem::message).doesNotContain(REASON);
    assertThat(plan.kept()).extracting(UnquantizedTensor::reason).containsExactly("no such layers");
    assertThat(quantizer.plan(input, config, Optional.empty()).problems())
        .extracting(Problem::message)
        .containsExactly(REASON);
  }

  @Test
  void aSchemeWithoutChannelsSaysWhatWouldFit() {
    assertThat(problem(new Groups(), RaggedGroupPolicy.FAIL))
        .isEqualTo(
            Problem.error(
                "fc.weight",
                REASON,
                "Use --granularity group:3 or --granularity group:6, exclude the layer, or use"
                    + " --ragged-groups keep"));
  }

  @Test
  void aSchemeWithoutChannelsLeavesTheWeightInFloat() {
    Plan plan = plan(new Groups(), RaggedGroupPolicy.KEEP);
    assertThat(plan.kept()).extracting(UnquantizedTensor::why).containsExactly(Why.UNSUPPORTED);
    assertThat(plan.kept()).extracting(UnquantizedTensor::reason).containsExactly(REASON);
  }

  @Test
  void aSchemeWithoutChannelsCannotFallBackToThem() {
    Problem problem = problem(new Groups(), RaggedGroupPolicy.CHANNEL);
    assertThat(problem.severity()).isEqualTo(Problem.Severity.ERROR);
    assertThat(problem.message())
        .isEqualTo(REASON + "; per channel is not possible either: fake has granularity group:N");
    assertThat(problem.remedy()).endsWith("exclude the layer, or use --ragged-groups keep");
  }

  @Test
  void whyChannelsDoNotFitIsSaidOnlyWhereTheyAreAskedFor() {
    assertThat(problem(new NoChannels(), RaggedGroupPolicy.FAIL).message()).isEqualTo(REASON);
    assertThat(problem(new NoChannels(), RaggedGroupPolicy.CHANNEL).message())
        .isEqualTo(REASON + "; per channel, its 18 columns are too many for one scale");
  }

  @Test
  void aSchemeWithChannelsOffersThem() {
    assertThat(problem(new FakeScheme(), RaggedGroupPolicy.FAIL).remedy())
        .endsWith("use --ragged-groups keep or --ragged-groups channel");
    assertThat(problem(new FakeScheme(), RaggedGroupPolicy.CHANNEL))
        .isEqualTo(Problem.warning("fc.weight", REASON + ": per channel instead", ""));
  }

  @Test
  void theNextSmallerGroupThatDividesIsTaken() {
    Plan plan = plan(new Groups(), RaggedGroupPolicy.SMALLER);
    assertThat(plan.weights())
        .extracting(w -> w.weight().options().granularity())
        .containsExactly(Granularity.group(3));
    assertThat(plan.problems())
        .containsExactly(Problem.warning("fc.weight", REASON + ": group:3 instead", ""));
    Problem prime = plan(new Groups(), RaggedGroupPolicy.SMALLER, 17).problems().get(0);
    assertThat(prime.severity()).isEqualTo(Problem.Severity.ERROR);
    assertThat(prime.message()).endsWith("size 4; no smaller group divides them");
  }

  @Test
  void theLastGroupIsShorterWhereTheSchemeCan() {
    Plan plan = plan(new ShortGroups(), RaggedGroupPolicy.RAGGED);
    assertThat(plan.weights())
        .extracting(w -> w.weight().options().toString())
        .containsExactly("bits=8, granularity=group:4, ragged=true, symmetric=true");
    assertThat(plan.problems())
        .containsExactly(
            Problem.warning(
                "fc.weight", REASON + ": group:4 with a shorter last group instead", ""));
    assertThat(problem(new Groups(), RaggedGroupPolicy.RAGGED).message())
        .isEqualTo(
            REASON
                + "; with a shorter last group is not possible either: fake has no option ragged");
  }

  @ParameterizedTest
  @EnumSource(RaggedGroupPolicy.class)
  void aSchemeThatTakesThemIsNotAskedTwice(RaggedGroupPolicy policy) {
    Plan plan = plan(new AnyGroups(), policy);
    assertThat(plan.problems()).isEmpty();
    assertThat(plan.weights())
        .extracting(w -> w.weight().options().granularity())
        .containsExactly(Granularity.group(4));
  }
}
