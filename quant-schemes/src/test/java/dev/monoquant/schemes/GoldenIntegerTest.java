package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenIntegerTest {

  static List<Golden.IntegerCase> integers() {
    return Golden.integers();
  }

  @Test
  void allCasesAreThere() {
    assertThat(integers()).hasSize(364);
  }

  @ParameterizedTest
  @MethodSource("integers")
  void sameBitsAsThePeer(Golden.IntegerCase golden) {
    Scheme scheme = golden.bits() == 8 ? new Int8Scheme() : new Int4Scheme();
    Golden.Input input = golden.input();
    Options options = new Options(golden.bits(), golden.symmetric(), golden.granularity());
    for (int height : new int[] {5, 64}) {
      QuantizedTile got =
          Run.quantize(scheme, input.rows(), options, input.values(), height);
      assertThat(got.part(Part.SCALE)).isEqualTo(golden.part(Part.SCALE));
      assertThat(got.part(Part.CODES)).isEqualTo(golden.part(Part.CODES));
      if (!golden.symmetric()) {
        assertThat(got.part(Part.ZERO_POINT)).isEqualTo(golden.part(Part.ZERO_POINT));
      }
    }
  }
}
