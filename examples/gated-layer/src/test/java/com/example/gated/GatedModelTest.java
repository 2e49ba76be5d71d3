package com.example.gated;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.spi.Plugins;
import dev.monoquant.core.Quantizer;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A state dict carries no kinds, so the configuration says which layers are gated. */
class GatedModelTest {

  @Test
  void theTwoMatricesArePlanned() {
    MemoryModel model =
        MemoryModel.named("gated-model")
            .floats("mixer.gate", ElementType.FLOAT32, TensorShape.of(8, 4), new float[32])
            .floats("mixer.value", ElementType.FLOAT32, TensorShape.of(4, 8), new float[32])
            .floats("mixer.temperature", ElementType.FLOAT32, TensorShape.of(1), 0.5f)
            .build();
    QuantizationConfig config =
        QuantizationConfig.builder().layer("mixer", GatedLinear.KIND).scheme("int8").build();
    Plan plan =
        Quantizer.create()
            .withPlugins(Plugins.load().with(new MemoryFormat(model)))
            .plan(model.input(), config, Optional.empty());
    assertEquals(List.of(), plan.problems());
    assertEquals(
        List.of("mixer.gate 8 x 4", "mixer.value 8 x 4"),
        plan.weights().stream().map(GatedModelTest::describe).toList());
    assertEquals(1, plan.kept().size());
  }

  private static String describe(PlannedWeight planned) {
    return planned.weight().name()
        + " "
        + planned.weight().matrix().rowCount()
        + " x "
        + planned.weight().matrix().columnCount();
  }
}
