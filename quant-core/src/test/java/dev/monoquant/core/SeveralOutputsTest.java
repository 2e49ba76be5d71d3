package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.OutputException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.Selector;
import dev.monoquant.ValidationException;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.open.Targets;
import dev.monoquant.core.report.Plans;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.files.manifest.OpenedFiles;
import dev.monoquant.files.manifest.SharedHashes;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.testkit.watch.Watch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One pass for several outputs: what is read and encoded once, and that all succeed or none. */
class SeveralOutputsTest extends SeveralOutputs {

  @Test
  void theModelIsReadOnceForAllOutputs() {
    Reports reports = run(to(A, "one"), to(B, "two"), to(C, "one"));
    assertThat(counted(reads, "l0.weight")).isEqualTo(40);
    assertThat(counted(reads, "l1.weight")).isEqualTo(30);
    assertThat(counted(reads, "l0.bias")).isEqualTo(40 * Float.BYTES);
    assertThat(reports.outputs()).extracting(Reports.Entry::target).containsExactly(A, B, C);
    assertThat(output.breaches()).isEmpty();
  }

  @Test
  void aWeightIsEncodedOnceForTheOutputsThatAgree() {
    Reports reports = run(to(A, "one"), to(B, "two"), to(C, "one"));
    assertThat(counted(encodings, "one l0.weight")).isEqualTo(40);
    assertThat(counted(encodings, "two l0.weight")).isEqualTo(40);
    assertThat(reports.outputs()).extracting(Reports.Entry::sharedWeights).containsExactly(2, 0, 2);
    assertThat(output.result(A).contents())
        .usingRecursiveComparison()
        .isEqualTo(output.result(C).contents());
    assertThat(reports.toSummary(80))
        .contains("output 1 of 3: a.memory\n", "output 3 of 3: c.memory\n")
        .contains("encoded once, for this and another output: 2 weights\n")
        .contains("all 3 outputs: ");
  }

  @Test
  void outputsThatDifferInAnOptionOfOneWeightShareTheOthers() {
    QuantizationConfig grouped =
        QuantizationConfig.builder()
            .scheme("one")
            .rule(Rule.include("l0"))
            .rule(
                new Rule(
                    Selector.parse("l1"),
                    Rule.Action.INCLUDE,
                    WeightSettings.OPEN.withBits(8).withScheme("two")))
            .build();
    Reports reports = run(to(A, "one"), new Output(B, grouped));
    assertThat(counted(encodings, "one l0.weight")).isEqualTo(40);
    assertThat(counted(encodings, "one l1.weight")).isEqualTo(30);
    assertThat(counted(encodings, "two l1.weight")).isEqualTo(30);
    assertThat(counted(reads, "l1.weight")).isEqualTo(30);
    assertThat(reports.outputs()).extracting(Reports.Entry::sharedWeights).containsExactly(1, 1);
  }

  @Test
  void statisticsAreCollectedInOnePass() {
    run(to(A, "ranged"), to(B, "ranged-too"), to(C, "one"));
    assertThat(counted(reads, "l0.weight")).isEqualTo(2 * 40);
    assertThat(counted(encodings, "ranged l0.weight")).isEqualTo(40);
  }

  @Test
  void eachOutputIsThatOfARunOfItsOwn() {
    List<Output> outputs = List.of(to(A, "ranged"), to(B, "two"), to(C, "ranged"));
    Reports reports = run(outputs.toArray(new Output[0]));
    for (Reports.Entry made : reports.outputs()) {
      Output one = outputs.get(reports.outputs().indexOf(made));
      MemoryOutput alone = new MemoryOutput();
      Report own = quantizer(alone).quantize(model.input(), one.config(), one.target(), false);
      assertThat(output.result(one.target()).contents())
          .usingRecursiveComparison()
          .isEqualTo(alone.result(one.target()).contents());
      assertThat(made.target()).isEqualTo(one.target());
      assertThat(made.report()).isEqualTo(own);
    }
  }

  /** A format that shows the model through a view of its own. */
  private static class Viewing extends ForwardingOutput {
    private final boolean tellsOrigin;

    Viewing(OutputFormat inside, boolean tellsOrigin) {
      super(inside);
      this.tellsOrigin = tellsOrigin;
    }

    @Override
    public String id() {
      return "test/viewing";
    }

    @Override
    public boolean accepts(Path target) {
      return target.toString().endsWith(".viewed");
    }

    @Override
    public ModelSource view(ModelSource source) {
      return new ForwardingSource(source) {
        @Override
        public Origin origin(TensorInfo tensor) {
          return tellsOrigin ? source.origin(tensor) : super.origin(tensor);
        }
      };
    }
  }

  private void runWithView(boolean tellsOrigin) {
    OutputFormat viewing = new Viewing(output, tellsOrigin);
    Quantizer.create()
        .withPlugins(
            Plugins.of(new Counted(), new FakeLayers("fake"), new Counting("one"), output, viewing))
        .quantize(
            model.input(),
            List.of(to(A, "one"), to(Path.of("b.viewed"), "one"), to(Path.of("c.viewed"), "one")),
            false,
            reports -> {});
  }

  @Test
  void viewsOfTheSameDataShareItsReads() {
    runWithView(true);
    assertThat(counted(reads, "l0.weight")).isEqualTo(40);
    assertThat(counted(encodings, "one l0.weight")).isEqualTo(40);
  }

  @Test
  void aViewThatMayChangeTheDataIsReadByItself() {
    runWithView(false);
    assertThat(counted(reads, "l0.weight")).isEqualTo(2 * 40);
    assertThat(counted(encodings, "one l0.weight")).isEqualTo(2 * 40);
  }

  @Test
  void eachOutputHasItsOwnPolicyForNumbersThatAreNotFinite() {
    MemoryModel odd =
        MemoryModel.named("odd")
            .sines("good.weight", 4, 4)
            .floats(
                "bad.weight",
                ElementType.FLOAT32,
                TensorShape.of(2, 4),
                1,
                Float.NaN,
                0,
                0.5f,
                1,
                1,
                1,
                Float.NEGATIVE_INFINITY)
            .build();
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(odd), new FakeLayers("fake"), new FakeScheme(), output));
    List<Output> outputs =
        List.of(
            new Output(A, policy(NonFinitePolicy.CLAMP)),
            new Output(B, policy(NonFinitePolicy.KEEP)));
    Reports reports = quantizer.quantize(odd.input(), outputs, false, r -> {});
    assertThat(reports.outputs().get(0).report().weights()).hasSize(2);
    assertThat(reports.outputs().get(1).report().weights()).hasSize(1);
    for (Output one : outputs) {
      MemoryOutput alone = new MemoryOutput();
      quantizer
          .withPlugins(
              Plugins.of(new MemoryFormat(odd), new FakeLayers("fake"), new FakeScheme(), alone))
          .quantize(odd.input(), one.config(), one.target(), false);
      assertThat(output.result(one.target()).contents())
          .usingRecursiveComparison()
          .isEqualTo(alone.result(one.target()).contents());
    }
    assertThatThrownBy(
            () ->
                quantizer.quantize(
                    odd.input(),
                    List.of(
                        new Output(C, policy(NonFinitePolicy.CLAMP)),
                        new Output(Path.of("d.memory"), policy(NonFinitePolicy.FAIL))),
                    false,
                    r -> {}))
        .hasMessageContaining("tensor \"bad.weight\"")
        .hasMessageContaining("1 NaN, 1 Inf of 8, first at [0,1], [1,3]");
    assertNothingAt(C);
  }

  private static QuantizationConfig policy(NonFinitePolicy policy) {
    return QuantizationConfig.builder().scheme("fake").nonFinite(policy).build();
  }

  @Test
  void aPluginSeesTheProtocolOfASingleRun() {
    Watch watch = new Watch();
    Quantizer.create()
        .withPlugins(
            Plugins.of(
                watch.input(new MemoryFormat(model)),
                new FakeLayers("fake"),
                watch.scheme(new FakeScheme()),
                watch.output(output)))
        .withTileElements(50)
        .quantize(
            model.input(),
            List.of(to(A, "fake"), to(B, "fake"), new Output(C, excluding())),
            false,
            r -> {});
    watch.requireQuiet();
    assertThat(output.breaches()).isEmpty();
  }

  private static QuantizationConfig excluding() {
    return QuantizationConfig.builder().scheme("fake").exclude("l0").build();
  }

  @Test
  void plansHaveAnEntryForEachOutputAndATotal() {
    Plans plans =
        quantizer(output)
            .plan(model.input(), List.of(to(A, "one"), new Output(B, excludingOf("l0"))));
    assertThat(plans.outputs().get(0).plan().weights()).hasSize(2);
    assertThat(plans.outputs().get(1).plan().weights()).hasSize(1);
    long both = plans.outputs().stream().mapToLong(entry -> entry.plan().wholeBytesAfter()).sum();
    assertThat(plans.toJson())
        .contains("\"kind\": \"plans\"", "\"target\": \"a.memory\"", "\"target\": \"b.memory\"")
        .contains(
            "\"bytes_before\": " + model.tensors().stream().mapToLong(TensorInfo::bytes).sum())
        .contains("\"whole_bytes_after\": " + both + "\n");
    assertThat(plans.toTable(Integer.MAX_VALUE))
        .contains("output 2 of 2: b.memory\n", "all 2 outputs: ");
  }

  /** A format that asks each model that it opens for a capability. */
  private <C> OutputFormat looking(Class<C> capability, List<Optional<C>> found) {
    return new ForwardingOutput(output) {
      @Override
      public OutputSession open(ModelSource source) throws IOException {
        found.add(source.find(capability));
        return super.open(source);
      }
    };
  }

  @Test
  void theFilesOfTheInputAreHashedByOneForAll() {
    List<Optional<SharedHashes>> found = new ArrayList<>();
    OutputFormat looking = looking(SharedHashes.class, found);
    quantizer(looking)
        .quantize(model.input(), List.of(to(A, "one"), to(B, "two")), false, reports -> {});
    assertThat(found).hasSize(2).allMatch(Optional::isPresent);
    assertThat(found.get(0)).isEqualTo(found.get(1));
    quantizer(looking).quantize(model.input(), to(C, "one").config(), C, false);
    assertThat(found.get(2)).isEmpty();
  }

  @Test
  void eachOutputKnowsTheFilesAsTheyWereOpened() {
    List<Optional<OpenedFiles>> found = new ArrayList<>();
    OutputFormat looking = looking(OpenedFiles.class, found);
    quantizer(looking)
        .quantize(model.input(), List.of(to(A, "one"), to(B, "two")), false, reports -> {});
    quantizer(looking).quantize(model.input(), to(C, "one").config(), C, false);
    assertThat(found).hasSize(3).allMatch(Optional::isPresent);
  }

  /** Reads the same whatever the option is. */
  private static final class Optioned implements InputFormatDetector {
    private final MemoryFormat inside;

    Optioned(MemoryModel model) {
      this.inside = new MemoryFormat(model);
    }

    @Override
    public String id() {
      return "test/optioned";
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(OptionSpec.flag("odd", false, "nothing"));
    }

    @Override
    public Match probe(ModelInput input) {
      return Match.CERTAIN;
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits) {
      return inside.open(input, limits);
    }
  }

  @Test
  void theInputIsReadInOneWayForAll() {
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(
                Plugins.of(new Optioned(model), new FakeLayers("fake"), new FakeScheme(), output));
    QuantizationConfig odd =
        QuantizationConfig.builder().scheme("fake").option("odd", "true").build();
    assertThatThrownBy(
            () ->
                quantizer.quantize(
                    model.input(), List.of(to(A, "fake"), new Output(B, odd)), false, r -> {}))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("b.memory: option odd belongs to input format test/optioned")
        .hasMessageContaining("once for all outputs");
    quantizer.quantize(
        model.input(), List.of(new Output(A, odd), new Output(B, odd)), false, r -> {});
    assertThat(output.result(B).contents()).isNotEmpty();
  }

  @Test
  void outputsThatDoNotFitOnTheDiskTogetherAreRefused(@TempDir Path folder) throws IOException {
    long half = Long.MAX_VALUE / 2;
    Targets.requireSpace(Map.of(folder.resolve("a"), 1L, folder.resolve("b"), 1L));
    assertThatThrownBy(
            () ->
                Targets.requireSpace(Map.of(folder.resolve("a"), half, folder.resolve("b"), half)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("no space left for all outputs: they need " + 2 * half + " bytes");
  }

  @Test
  void gatesOfADryRunNameEachOutput() {
    Quantizer gated = quantizer(output).withMaxSizeRatio(0.5);
    Plans plans =
        gated.plan(model.input(), List.of(to(A, "one"), new Output(B, excludingOf("l1"))));
    assertThatThrownBy(() -> gated.requireGates(plans))
        .isInstanceOf(ValidationException.class)
        .hasMessageStartingWith("b.memory: gate missed: ")
        .hasMessageNotContaining("a.memory");
  }
}
