package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IntegerRefusalTest {

  private static final WeightMatrix ROWS = Run.rows(ElementType.BFLOAT16, 6, 96);

  @Test
  void encodingFollowsGranularityTypeAndSymmetry() {
    Scheme scheme = new Int4Scheme();
    Options options = new Options(4, false, Granularity.group(32));
    assertThat(scheme.encoding(ROWS, options))
        .isEqualTo(
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT4),
                Part.perGroup(Part.SCALE, ElementType.BFLOAT16, 32),
                Part.perGroup(Part.ZERO_POINT, ElementType.INT4, 32)));
    assertThat(
            scheme.encoding(
                Run.rows(ElementType.FLOAT64, 6, 96),
                options.withSymmetric(true).withGranularity(Granularity.CHANNEL)))
        .isEqualTo(
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT4),
                Part.perRow(Part.SCALE, ElementType.FLOAT32)));
    Options tensor = options.withGranularity(Granularity.TENSOR);
    assertThat(scheme.encoding(ROWS, tensor).part(Part.ZERO_POINT))
        .isEqualTo(Part.perTensor(Part.ZERO_POINT, ElementType.INT4));
    assertThat(scheme.needs(tensor)).containsExactly(Need.TENSOR_RANGE);
    assertThat(scheme.needs(options)).isEmpty();
  }

  @Test
  void defaultsSuitTheWidth() {
    assertThat(new Int8Scheme().defaults(ROWS))
        .isEqualTo(new Options(8, true, Granularity.CHANNEL));
    assertThat(new Int4Scheme().defaults(ROWS))
        .isEqualTo(new Options(4, true, Granularity.group(128)));
    assertThat(new Int3Scheme().defaults(ROWS))
        .isEqualTo(new Options(3, true, Granularity.group(128)));
  }

  @Test
  void whatDoesNotFitIsRefusedWithARemedy() {
    Scheme scheme = new Int4Scheme();
    Options options = new Options(4, true, Granularity.CHANNEL);
    assertThatThrownBy(() -> scheme.encoding(ROWS, options.withGranularity(Granularity.group(36))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("\"layer.weight\"")
        .hasMessageContaining("groups of 36 do not divide its 96 columns")
        .hasMessageContaining("channel");
    assertThatThrownBy(() -> scheme.encoding(ROWS, options.withBits(8)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("int4 has 4 bits, not 8");
    assertThatThrownBy(() -> scheme.encoding(ROWS, options.withProfile("torchao")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("\"torchao\"")
        .hasMessageContaining("compressed-tensors");
    assertThatThrownBy(() -> scheme.encoding(Run.rows(ElementType.INT64, 2, 2), options))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is I64");
    for (WeightMatrix empty :
        new WeightMatrix[] {
          Run.rows(ElementType.FLOAT32, 0, 8), Run.rows(ElementType.FLOAT32, 8, 0)
        }) {
      assertThatThrownBy(() -> scheme.encoding(empty, options))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is empty");
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 3e38", "BF16, 3e38", "F16, 60000"})
  void aRangeWithoutAFiniteScaleIsRefused(String wire, float end) {
    ElementType type = ElementType.of(wire);
    WeightMatrix rows = Run.rows(type, 3, 4);
    float[] weight = Run.as(type, 1, 2, 3, 4, end, -end, 0, 1, 1, 2, 3, 4);
    for (Compute compute : Run.COMPUTES) {
      Options options = new Options(8, false, Granularity.CHANNEL).withCompute(compute);
      assertThatThrownBy(() -> Run.quantize(new Int8Scheme(), rows, options, weight, 2))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("\"layer.weight\", row 1:")
          .hasMessageContaining("no finite scale in " + wire)
          .hasMessageContaining("Use symmetric codes");
      Options group = options.withGranularity(Granularity.group(2));
      assertThatThrownBy(() -> Run.quantize(new Int8Scheme(), rows, group, weight, 2))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("row 1, group 0:");
      assertThatCode(
              () -> Run.quantize(new Int8Scheme(), rows, options.withSymmetric(true), weight, 2))
          .doesNotThrowAnyException();
    }
    Options tensor = new Options(8, false, Granularity.TENSOR);
    assertThatThrownBy(() -> new Int8Scheme().begin(rows, tensor, Facts.ofRange(-end, end)))
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
        Options options = new Options(8, true, granularity).withCompute(compute);
        assertThatThrownBy(
                () ->
                    Run.quantize(
                        new Int8Scheme(), rows, options, new float[] {1, 2, 3, 0, -65472, 1}, 2))
            .isInstanceOf(ValidationException.class)
            .hasMessageContaining("code -128 times scale 513.5 is beyond F16");
        // The same magnitude on the other side has code 127, which decodes well.
        assertThatCode(
                () ->
                    Run.quantize(
                        new Int8Scheme(), rows, options, new float[] {1, 2, 3, 0, 65472, 1}, 2))
            .doesNotThrowAnyException();
      }
    }
  }
}
