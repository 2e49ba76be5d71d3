package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.UnquantizedTensor.Why;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A cast that makes nothing smaller: to another type it is done, to the same it would be idle. */
class CastOfSameSizeTest {

  private static Scheme castTo(ElementType target) {
    return new FakeScheme() {
      @Override
      public Fit fit(WeightMatrix rows, OptionValues options) {
        return Fit.of(Encoding.cast(Part.perElement(Part.VALUES, target)));
      }
    };
  }

  private static Plan plan(ElementType from, ElementType to) {
    TensorShape shape = TensorShape.of(32, 18);
    MemoryModel model =
        MemoryModel.named("m").floats("fc.weight", from, shape, new float[32 * 18]).build();
    return Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(model), castTo(to), new FakeLayers("fake")))
        .plan(
            ModelInput.of(Path.of("m")),
            QuantizationConfig.builder().scheme("fake").build(),
            Optional.empty());
  }

  @Test
  void toAnotherTypeItIsDone() {
    for (Plan plan :
        new Plan[] {
          plan(ElementType.BFLOAT16, ElementType.FLOAT16),
          plan(ElementType.FLOAT16, ElementType.BFLOAT16)
        }) {
      assertThat(plan.problems()).isEmpty();
      assertThat(plan.weights()).hasSize(1);
    }
  }

  @Test
  void toTheSameTypeOrALargerOneItIsNot() {
    for (Plan plan :
        new Plan[] {
          plan(ElementType.FLOAT16, ElementType.FLOAT16),
          plan(ElementType.FLOAT16, ElementType.FLOAT32)
        }) {
      assertThat(plan.weights()).isEmpty();
      assertThat(plan.kept()).extracting(UnquantizedTensor::why).containsExactly(Why.TOO_SMALL);
    }
  }
}
