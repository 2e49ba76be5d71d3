package dev.monoquant.core;

import static dev.monoquant.core.QuantizerTest.FAKE;
import static dev.monoquant.core.QuantizerTest.input;
import static dev.monoquant.core.QuantizerTest.model;
import static dev.monoquant.core.QuantizerTest.plan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.ForwardingLayout;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingSession;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * What an output format takes, what its options do, and what is reported of an output that could be
 * run.
 */
class OutputOptionsTest {

  @Test
  void whatTheOutputFormatDoesNotTakeNeedNotFitTheGroups() {
    QuantizationConfig groups =
        FAKE.overrideWith(QuantizationConfig.builder().granularity(Granularity.group(4)).build());
    Plan plan =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(model().build()),
                    new FakeScheme(),
                    new FakeLayers("fake"),
                    new OnlyFirst()))
            .plan(input(), groups, Optional.of(Path.of("out")));
    assertThat(plan.problems()).isEmpty();
    assertThat(plan.weights()).hasSize(1);
    assertThat(plan.kept().toString()).contains("fc1 only");
  }

  @Test
  void anOutputFormatHasOptionsByRuleAndLayerAndSaysWhatTheyDo() {
    QuantizationConfig config =
        FAKE.overrideWith(
            QuantizationConfig.builder()
                .option("mode", "slow")
                .rule(Rule.adjust("fc2", WeightSettings.OPEN.withExtra("level", "07")))
                .build());
    Plan plan = planFor(new WithOptions(), config);
    assertThat(plan.problems()).isEmpty();
    assertThat(plan.weights())
        .extracting(w -> w.weight().storage().toString())
        .containsExactly("level=1, mode=slow", "level=7, mode=slow");
    assertThat(plan.weights()).allMatch(w -> w.weight().options().own().isEmpty());
    assertThat(plan.weights())
        .extracting(PlannedWeight::remark)
        .containsExactly("", "kept slow on level 7");
  }

  @Test
  void anOptionThatNeitherSchemeNorFormatHasIsRefusedWithTheNearest() {
    assertThatThrownBy(
            () ->
                planFor(
                    new WithOptions(),
                    FAKE.overrideWith(QuantizationConfig.builder().option("mod", "slow").build())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("scheme fake and output format test/with-options have no option")
        .hasMessageContaining("did you mean mode?")
        .hasMessageContaining("level (a whole number from 1 to 9, default 1)");
    assertThatThrownBy(
            () ->
                planFor(
                    new WithOptions(),
                    FAKE.overrideWith(QuantizationConfig.builder().option("level", "10").build())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("format test/with-options: option level is \"10\"");
  }

  @Test
  void anOutputThatCouldBeRunButHasNothingToBeComparedWithIsReported() {
    Report report =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(model().build()),
                    new FakeScheme(),
                    new FakeLayers("fake"),
                    new RunnableOutput()))
            .quantize(input(), FAKE, Path.of("out"), false);
    assertThat(report.run()).isEmpty();
    assertThat(report.problems())
        .extracting(Problem::message)
        .anyMatch(message -> message.startsWith("it was accepted without being run"));
  }

  private static Plan planFor(OutputFormat format, QuantizationConfig config) {
    return Quantizer.create()
        .withPlugins(
            Plugins.of(
                new MemoryFormat(model().build()),
                new FakeScheme(),
                new FakeLayers("fake"),
                format))
        .plan(input(), config, Optional.of(Path.of("out")));
  }

  /** An output format with options of its own. */
  private static final class WithOptions extends ForwardingOutput {
    private static final OptionSpec<String> MODE =
        OptionSpec.choice("mode", "fast", List.of("fast", "slow"), "How it runs");
    private static final OptionSpec<Integer> LEVEL =
        OptionSpec.integer("level", 1, 1, 9, "How far it goes");

    WithOptions() {
      super(new MemoryOutput());
    }

    @Override
    public String id() {
      return "test/with-options";
    }

    @Override
    public boolean accepts(Path target) {
      return true;
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(MODE, LEVEL);
    }

    @Override
    protected OutputSession opened(OutputSession session) {
      return new ForwardingSession(session) {
        @Override
        public OutputLayout layout(OutputContents contents) throws IOException {
          EncodedWeight last = contents.weights().get(contents.weights().size() - 1);
          String remark =
              "kept " + last.storage().get(MODE) + " on level " + last.storage().get(LEVEL);
          return new ForwardingLayout(super.layout(contents)) {
            @Override
            public Map<String, String> remarks() {
              return Map.of(last.name(), remark);
            }
          };
        }
      };
    }
  }

  /** An output format whose outputs could be run. */
  private static final class RunnableOutput extends ForwardingOutput {

    RunnableOutput() {
      super(new MemoryOutput());
    }

    @Override
    public boolean isRunnable() {
      return true;
    }

    @Override
    public String id() {
      return "test/runnable";
    }

    @Override
    public boolean accepts(Path target) {
      return true;
    }

    @Override
    protected OutputWriter opened(
        OutputWriter writer, OutputContents contents, WriteOptions options) {
      return new ForwardingWriter(writer) {
        @Override
        public Optional<Path> finish() {
          return Optional.of(options.target());
        }
      };
    }
  }

  /** An output format that takes one layer of the model. */
  private static final class OnlyFirst extends ForwardingOutput {

    OnlyFirst() {
      super(new MemoryOutput());
    }

    @Override
    public String id() {
      return "test/only-first";
    }

    @Override
    public boolean accepts(Path target) {
      return true;
    }

    @Override
    protected OutputSession opened(OutputSession session) {
      return new ForwardingSession(session) {
        @Override
        public Optional<String> unsupported(EncodedWeight weight) {
          return weight.name().equals("fc1.weight") ? Optional.empty() : Optional.of("fc1 only");
        }
      };
    }
  }
}
