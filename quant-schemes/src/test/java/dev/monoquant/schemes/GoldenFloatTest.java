package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What compressed-tensors makes of weights under its presets, bit for bit. */
class GoldenFloatTest {

  private static final Golden GOLDEN = new Golden("golden.zip", "floats.zip");

  static List<Golden.Case> cases() {
    return GOLDEN.cases("float").stream().filter(c -> c.scheme().equals("fp8")).toList();
  }

  @Test
  void allCasesAreThere() {
    assertThat(cases()).hasSize(96);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sameBitsAsThePeer(Golden.Case golden) {
    Scheme scheme = new Fp8Scheme();
    OptionValues options =
        scheme.defaults(golden.rows()).with(CommonOptions.GRANULARITY, golden.granularity());
    for (int height : new int[] {128, 256}) {
      EncodedTile got = Run.quantize(scheme, golden.rows(), options, golden.weight(), height);
      assertThat(got.part(Part.SCALE)).isEqualTo(golden.part(Part.SCALE));
      assertThat(got.part(Part.CODES)).isEqualTo(golden.part(Part.CODES));
    }
  }
}
