package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.PlanException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Inspection;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Verification;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.ForwardingDetector;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What each operation does with a model whose codes nobody decodes. */
class ForeignModelTest {

  private static final QuantizationConfig FAKE =
      QuantizationConfig.builder().scheme("fake").build();

  private static MemoryModel model(boolean scaled) {
    MemoryModel.Builder model =
        MemoryModel.named("foreign")
            .sines("lm_head.weight", 9, 8)
            .tensor(
                new TensorInfo("fc.weight", ElementType.FLOAT8_E4M3, TensorShape.of(9, 8)),
                new byte[72]);
    return (scaled ? model.sines("fc.weight_scale", 9, 1) : model).build();
  }

  private static Quantizer quantizer(InputFormatDetector detector) {
    return Quantizer.create()
        .withPlugins(
            Plugins.of(detector, new FakeScheme(), new FakeLayers("fake"), new MemoryOutput()));
  }

  @Test
  void aPlanHasOneErrorWhateverElseIsWrong() {
    MemoryModel model = model(true);
    Quantizer quantizer = quantizer(new MemoryFormat(model));
    QuantizationConfig config =
        QuantizationConfig.builder().scheme("fake").exclude("nothing*").build();
    Plan plan = quantizer.plan(model.input(), config, Optional.empty());
    assertThat(plan.problems())
        .filteredOn(p -> p.severity() == dev.monoquant.Problem.Severity.ERROR)
        .singleElement()
        .hasToString(
            "foreign: it is quantized already: by FP8, which this version does not decode; 1"
                + " weight, such as \"fc.weight\" (known by F8_E4M3 tensors with \"weight_scale\""
                + " beside them). Give the float original, or decode it first with the library"
                + " that quantized it");
    assertThatThrownBy(() -> quantizer.quantize(model.input(), FAKE))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("by FP8");
    assertThat(model.openSources()).isZero();
  }

  @Test
  void withoutScalesItIsAnOrdinaryModel() {
    MemoryModel model = model(false);
    Quantizer quantizer = quantizer(new MemoryFormat(model));
    try (QuantizedModel result = quantizer.quantize(model.input(), FAKE)) {
      assertThat(result.weights()).singleElement().matches(w -> w.name().equals("lm_head.weight"));
    }
    assertThat(quantizer.inspect(model.input()).foreign()).isEmpty();
  }

  @Test
  void inspectingNamesIt() {
    MemoryModel model = model(true);
    Inspection inspection = quantizer(new MemoryFormat(model)).inspect(model.input());
    assertThat(inspection.foreign())
        .hasValueSatisfying(
            f -> {
              assertThat(f.method()).isEqualTo("FP8");
              assertThat(f.count()).isEqualTo(1);
              assertThat(f.examples()).containsExactly("fc.weight");
            });
  }

  @Test
  void decodingSaysWhatItIs() {
    MemoryModel model = model(true);
    Quantizer quantizer = quantizer(new MemoryFormat(model));
    assertThatThrownBy(
            () ->
                quantizer.dequantize(
                    model.input(), Path.of("out.memory"), Optional.of("testkit/memory"), false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("it is quantized by FP8, which this version does not decode")
        .hasMessageContaining("fc.weight");
    assertThatThrownBy(() -> quantizer.load(Path.of("foreign")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("by FP8");
    assertThat(model.openSources()).isZero();
  }

  @Test
  void comparingTakesItsCodesAsTheyAreAndSaysSo() {
    MemoryModel model = model(true);
    Comparison comparison =
        quantizer(new MemoryFormat(model)).compare(model.input(), model.input());
    assertThat(comparison.identical()).isTrue();
    assertThat(comparison.foreignInA()).isPresent().isEqualTo(comparison.foreignInB());
  }

  /** An output that holds codes of somebody else is not what anybody wants to serve. */
  @Test
  void verifyingFindsIt() {
    MemoryModel model = model(true);
    InputFormatDetector audited =
        new ForwardingDetector(new MemoryFormat(model)) {
          @Override
          protected ModelSource opened(ModelSource source) {
            return new ForwardingSource(source) {
              @Override
              public <C> Optional<C> find(Class<C> capability) {
                Auditable audit = () -> new Audit(Map.of(), "sha256", Map.of(), 3, 9, List.of());
                return Optional.of(audit).filter(capability::isInstance).map(capability::cast);
              }
            };
          }
        };
    Verification result = quantizer(audited).verify(Path.of("foreign"), Optional.empty());
    assertThat(result.sound()).isFalse();
    assertThat(result.differences())
        .singleElement()
        .asString()
        .startsWith("foreign: it holds quantization by FP8, which this version does not decode");
    assertThatThrownBy(
            () -> quantizer(new MemoryFormat(model)).verify(Path.of("foreign"), Optional.empty()))
        .hasMessageContaining("no manifest")
        .hasMessageContaining("It is quantized by FP8");
  }
}
