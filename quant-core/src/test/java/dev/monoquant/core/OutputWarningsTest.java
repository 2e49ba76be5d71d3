package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.Plan;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.ForwardingLayout;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingSession;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What an output says of itself as a whole is in the plan. */
class OutputWarningsTest {

  private static final ForwardingOutput OUTPUT =
      new ForwardingOutput(new MemoryOutput()) {
        @Override
        protected OutputSession opened(OutputSession session) {
          return new ForwardingSession(super.opened(session)) {
            @Override
            public OutputLayout layout(OutputContents contents) throws IOException {
              return new ForwardingLayout(super.layout(contents)) {
                @Override
                public List<String> warnings() {
                  return List.of("some loader decodes it wrongly");
                }

                @Override
                public List<String> notes() {
                  return List.of("it is small");
                }
              };
            }
          };
        }
      };

  @Test
  void warningsAreWarningsAndNotesAreNotes() {
    MemoryModel model = MemoryModel.named("m").sines("fc.weight", 32, 18).build();
    Plan plan =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(model), new FakeScheme(), new FakeLayers("fake"), OUTPUT))
            .plan(
                ModelInput.of(Path.of("m")),
                QuantizationConfig.builder().scheme("fake").build(),
                Optional.of(Path.of("out.memory")));
    assertThat(plan.problems())
        .contains(
            Problem.warning("output", "some loader decodes it wrongly", ""),
            Problem.note("output", "it is small"));
  }
}
