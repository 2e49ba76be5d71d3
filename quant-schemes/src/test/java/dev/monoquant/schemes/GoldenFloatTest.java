package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What compressed-tensors makes of weights under its presets, bit for bit. */
class GoldenFloatTest {

  private static final Golden GOLDEN = new Golden("golden.zip", "floats.zip");

  static List<Golden.Case> cases() {
    return GOLDEN.cases("float");
  }

  private static Scheme scheme(String id) {
    return switch (id) {
      case "fp8" -> new Fp8Scheme();
      case "nvfp4" -> new Nvfp4Scheme();
      case "mxfp4" -> new Mxfp4Scheme();
      case "mxfp8" -> new Mxfp8Scheme();
      default -> throw new IllegalArgumentException(id);
    };
  }

  @Test
  void allCasesAreThere() {
    Map<String, Long> counts =
        cases().stream()
            .collect(
                Collectors.groupingBy(
                    c -> c.scheme() + " " + c.granularity().wire(),
                    TreeMap::new,
                    Collectors.counting()));
    assertThat(counts)
        .isEqualTo(
            Map.of(
                "fp8 tensor",
                44L,
                "fp8 channel",
                46L,
                "fp8 block:128x128",
                6L,
                "nvfp4 group:16",
                13L,
                "mxfp4 group:32",
                6L,
                "mxfp8 group:32",
                5L));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sameBitsAsThePeer(Golden.Case golden) {
    Scheme scheme = scheme(golden.scheme());
    OptionValues options =
        scheme.defaults(golden.rows()).with(CommonOptions.GRANULARITY, golden.granularity());
    Facts facts = Run.facts(scheme, options, golden.family());
    TileQuantizer quantizer = scheme.begin(golden.rows(), options, facts, Compute.AUTO);
    for (int height : new int[] {128, 256}) {
      EncodedTile got = Run.quantize(quantizer, golden.rows(), golden.weight(), height);
      for (Part part : scheme.fit(golden.rows(), options).orThrow(golden.rows()).parts()) {
        assertThat(got.part(part.name())).as(part.name()).isEqualTo(golden.part(part.name()));
      }
    }
  }
}
