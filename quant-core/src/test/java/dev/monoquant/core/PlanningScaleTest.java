package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.Plan;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mixtures of experts have tens of thousands of weights. */
class PlanningScaleTest {

  private static final int WEIGHTS = 100_000;

  /**
   * The time limit is no measure of speed: looking at every earlier weight for each one takes many
   * times as long, looking each up takes a few seconds.
   */
  @Test
  @Timeout(120)
  void aHundredThousandWeightsArePlanned() {
    MemoryModel.Builder model = MemoryModel.named("mixture");
    for (int i = 0; i < WEIGHTS; i++) {
      model.sines("layers." + i / 100 + ".experts." + i % 100 + ".up.weight", 1, 4);
    }
    Plan plan =
        Quantizer.create()
            .withPlugins(
                Plugins.of(
                    new MemoryFormat(model.build()), new FakeScheme(), new FakeLayers("fake")))
            .plan(
                ModelInput.of(Path.of("mixture")),
                QuantizationConfig.builder().scheme("fake").build(),
                Optional.empty());
    assertThat(plan.weights()).hasSize(WEIGHTS);
  }
}
