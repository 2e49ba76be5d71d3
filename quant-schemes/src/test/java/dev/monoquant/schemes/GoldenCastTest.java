package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.Compute;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenCastTest {

  private static final Golden GOLDEN = new Golden("golden.zip");

  static List<Golden.Case> casts() {
    return GOLDEN.cases("cast");
  }

  @Test
  void allCasesAreThere() {
    assertThat(casts()).hasSize(21);
  }

  @ParameterizedTest
  @MethodSource("casts")
  void sameBitsAsTorch(Golden.Case golden) {
    expect(new Float16Scheme(), golden, golden.part("f16"));
    expect(new BFloat16Scheme(), golden, golden.part("bf16"));
  }

  private static void expect(Scheme scheme, Golden.Case golden, byte[] expected) {
    for (Compute compute : Run.COMPUTES) {
      OptionValues options = scheme.defaults(golden.rows());
      EncodedTile got = Run.quantize(scheme, golden.rows(), options, compute, golden.weight(), 9);
      assertThat(got.names()).containsExactly(CastScheme.VALUES);
      assertThat(got.part(CastScheme.VALUES)).isEqualTo(expected);
    }
  }
}
