package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IntegerRefusalTest {

  private static final WeightMatrix ROWS = Run.rows(ElementType.BFLOAT16, 6, 96);

  @Test
  void encodingFollowsGranularityTypeAndSymmetry() {
    Scheme scheme = new Int4Scheme();
    OptionValues options = OptionValues.of(4, false, Granularity.group(32));
    assertThat(scheme.fit(ROWS, options).orThrow(ROWS))
        .isEqualTo(
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT4),
                Part.perGroup(Part.SCALE, ElementType.BFLOAT16, 32),
                Part.perGroup(Part.ZERO_POINT, ElementType.INT4, 32)));
    assertThat(
            scheme
                .fit(
                    Run.rows(ElementType.FLOAT64, 6, 96),
                    options
                        .with(CommonOptions.SYMMETRIC, true)
                        .with(CommonOptions.GRANULARITY, Granularity.CHANNEL))
                .orThrow(ROWS))
        .isEqualTo(
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT4),
                Part.perRow(Part.SCALE, ElementType.FLOAT32)));
    OptionValues tensor = options.with(CommonOptions.GRANULARITY, Granularity.TENSOR);
    assertThat(scheme.fit(ROWS, tensor).orThrow(ROWS).part(Part.ZERO_POINT))
        .isEqualTo(Part.perTensor(Part.ZERO_POINT, ElementType.INT4));
    assertThat(scheme.needs(tensor)).containsExactly(Need.TENSOR_RANGE);
    assertThat(scheme.needs(options)).isEmpty();
  }

  @Test
  void defaultsSuitTheWidth() {
    assertThat(new Int8Scheme().defaults(ROWS))
        .isEqualTo(OptionValues.of(8, true, Granularity.CHANNEL));
    assertThat(new Int4Scheme().defaults(ROWS))
        .isEqualTo(OptionValues.of(4, true, Granularity.group(128)));
    assertThat(new Int3Scheme().defaults(ROWS))
        .isEqualTo(OptionValues.of(3, true, Granularity.group(128)));
  }

  @Test
  void whatDoesNotFitSaysWhyAndWhatWould() {
    Scheme scheme = new Int4Scheme();
    OptionValues options = OptionValues.of(4, true, Granularity.CHANNEL);
    OptionValues ragged = options.with(CommonOptions.GRANULARITY, Granularity.group(36));
    assertThat(scheme.fit(ROWS, ragged))
        .isEqualTo(
            new Fit.Unfit(
                "its 96 columns are no multiple of the group size 36",
                List.of(
                    options.with(CommonOptions.GRANULARITY, Granularity.group(32)),
                    options.with(CommonOptions.GRANULARITY, Granularity.group(48)))));
    OptionValues wider = options.with(CommonOptions.GRANULARITY, Granularity.group(128));
    assertThat(scheme.fit(ROWS, wider))
        .isEqualTo(
            new Fit.Unfit(
                "its 96 columns are no multiple of the group size 128",
                List.of(options.with(CommonOptions.GRANULARITY, Granularity.group(48)))));
    assertThat(scheme.fit(Run.rows(ElementType.INT64, 2, 2), options))
        .isEqualTo(Fit.not("it is I64; F16, BF16, F32 and F64 are quantized"));
    for (WeightMatrix empty :
        new WeightMatrix[] {
          Run.rows(ElementType.FLOAT32, 0, 8), Run.rows(ElementType.FLOAT32, 8, 0)
        }) {
      assertThat(scheme.fit(empty, options))
          .isInstanceOfSatisfying(
              Fit.Unfit.class, unfit -> assertThat(unfit.reason()).contains("it is empty"));
    }
  }

  @Test
  void itsOwnWidthAndAllProfilesAreDeclared() {
    assertThat(new Int4Scheme().options())
        .extracting(OptionSpec::toString)
        .containsExactly(
            "bits (4, default 4)",
            "symmetric (true or false, default true)",
            "granularity (tensor, channel, group:N or block:RxC, default group:128)",
            "profile (compressed-tensors, torchao, quanto or onnxruntime, default"
                + " compressed-tensors)",
            "search (none, grid, mse or hqq, default none)",
            "ragged (true or false, default false)",
            "method (one of nearest, gptq, default nearest)",
            "act-order (true or false, default true)",
            "damping (a number from 0.0 to 1.0, default 0.01)");
  }

  @ParameterizedTest
  @CsvSource({"F32, 3e38", "BF16, 3e38", "F16, 60000"})
  void aRangeWithoutAFiniteScaleIsRefused(String wire, float end) {
    ElementType type = ElementType.of(wire);
    WeightMatrix rows = Run.rows(type, 3, 4);
    float[] weight = Run.as(type, 1, 2, 3, 4, end, -end, 0, 1, 1, 2, 3, 4);
    for (Compute compute : Run.COMPUTES) {
      OptionValues options = OptionValues.of(8, false, Granularity.CHANNEL);
      assertThatThrownBy(() -> Run.quantize(new Int8Scheme(), rows, options, compute, weight, 2))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("\"layer.weight\", row 1:")
          .hasMessageContaining("no finite scale in " + wire)
          .hasMessageContaining("Use symmetric codes");
      OptionValues group = options.with(CommonOptions.GRANULARITY, Granularity.group(2));
      assertThatThrownBy(() -> Run.quantize(new Int8Scheme(), rows, group, compute, weight, 2))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("row 1, group 0:");
      assertThatCode(
              () ->
                  Run.quantize(
                      new Int8Scheme(),
                      rows,
                      options.with(CommonOptions.SYMMETRIC, true),
                      compute,
                      weight,
                      2))
          .doesNotThrowAnyException();
    }
    OptionValues tensor = OptionValues.of(8, false, Granularity.TENSOR);
    assertThatThrownBy(
            () -> new Int8Scheme().begin(rows, tensor, Facts.ofRange(-end, end), Compute.AUTO))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the whole:");
  }

  /**
   * 65472 / 127.5 is rounded down to 513.5 in float16; the code is -128, and 128 * 513.5 is 65728.
   */
  @Test
  void aCodeThatWouldDecodeToInfinityIsRefused() {
    WeightMatrix rows = Run.rows(ElementType.FLOAT16, 2, 3);
    for (Compute compute : Run.COMPUTES) {
      for (Granularity granularity : new Granularity[] {Granularity.CHANNEL, Granularity.TENSOR}) {
        OptionValues options = OptionValues.of(8, true, granularity);
        assertThatThrownBy(
                () ->
                    Run.quantize(
                        new Int8Scheme(),
                        rows,
                        options,
                        compute,
                        new float[] {1, 2, 3, 0, -65472, 1},
                        2))
            .isInstanceOf(ValidationException.class)
            .hasMessageContaining("code -128 times scale 513.5 is beyond F16");
        // The same magnitude on the other side has code 127, which decodes well.
        assertThatCode(
                () ->
                    Run.quantize(
                        new Int8Scheme(),
                        rows,
                        options,
                        compute,
                        new float[] {1, 2, 3, 0, 65472, 1},
                        2))
            .doesNotThrowAnyException();
      }
    }
  }
}
