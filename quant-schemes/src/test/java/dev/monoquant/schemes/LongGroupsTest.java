package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A row of many groups is many rows of one group each, bit for bit, be it that the pieces in which
 * rows are worked on end in the middle of a group.
 */
class LongGroupsTest {

  @ParameterizedTest
  @CsvSource({"48, true", "48, false", "100, true", "100, false", "1500, false"})
  void groupsAreRowsOfTheirOwn(int size, boolean symmetric) {
    int groups = 1 + 5 * AffineKernels.CHUNK / size;
    for (ElementType type : new ElementType[] {ElementType.FLOAT32, ElementType.BFLOAT16}) {
      SplittableRandom random = new SplittableRandom(size);
      float[] weight = new float[groups * size];
      for (int i = 0; i < weight.length; i++) {
        // A range and a middle of its own for each group.
        int group = i / size;
        weight[i] = (float) ((random.nextDouble() - group % 5 / 4.0) * (1 + group % 7));
      }
      weight = Run.as(type, weight);
      Scheme scheme = new Int8Scheme();
      OptionValues options = OptionValues.of(8, symmetric, Granularity.CHANNEL);
      OptionValues grouped = options.with(CommonOptions.GRANULARITY, Granularity.group(size));
      WeightMatrix rows = Run.rows(type, groups, size);
      WeightMatrix row = Run.rows(type, 1, weight.length);
      EncodedTile apart = Run.quantize(scheme, rows, options, weight, 64);
      EncodedTile joined = Run.quantize(scheme, row, grouped, weight, 1);
      assertThat(joined.names()).isEqualTo(apart.names());
      for (String part : apart.names()) {
        assertThat(joined.part(part)).as(part).isEqualTo(apart.part(part));
      }
      assertThat(Run.decode(scheme, row, grouped, joined))
          .isEqualTo(Run.decode(scheme, rows, options, apart));
    }
  }

  @Test
  void whatDecodesToInfinityIsToldWithItsPlace() {
    WeightMatrix rows = Run.rows(ElementType.FLOAT16, 2, 4);
    float[] weight = {1, 2, 3, 4, 0, 1, -65472, 1};
    for (Granularity granularity :
        new Granularity[] {Granularity.CHANNEL, Granularity.group(2), Granularity.TENSOR}) {
      String place =
          granularity.equals(Granularity.CHANNEL)
              ? "\"layer.weight\", row 1: code -128"
              : granularity.equals(Granularity.TENSOR)
                  ? "\"layer.weight\", the whole: code -128"
                  : "\"layer.weight\", row 1, group 1: code -128";
      OptionValues options = OptionValues.of(8, true, granularity);
      assertThatThrownBy(() -> Run.quantize(new Int8Scheme(), rows, options, weight, 2))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining(place);
    }
  }
}
