package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.schemes.ggml.Q40Scheme;
import dev.monoquant.schemes.ggml.Q41Scheme;
import dev.monoquant.schemes.ggml.Q50Scheme;
import dev.monoquant.schemes.ggml.Q51Scheme;
import dev.monoquant.schemes.ggml.Q6KScheme;
import dev.monoquant.schemes.ggml.Q80Scheme;
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

/** What ggml at commit d99724f and gguf 0.19 make of weights, bit for bit. */
class GoldenGgmlTest {

  private static final Golden GOLDEN = new Golden("ggml.zip");

  static List<Golden.Case> cases() {
    return GOLDEN.cases("block");
  }

  private static Scheme scheme(String id) {
    return switch (id) {
      case "ggml/q4-0" -> new Q40Scheme();
      case "ggml/q4-1" -> new Q41Scheme();
      case "ggml/q5-0" -> new Q50Scheme();
      case "ggml/q5-1" -> new Q51Scheme();
      case "ggml/q6-k" -> new Q6KScheme();
      case "ggml/q8-0" -> new Q80Scheme();
      default -> throw new IllegalArgumentException(id);
    };
  }

  @Test
  void allCasesAreThere() {
    Map<String, Long> counts =
        cases().stream()
            .collect(
                Collectors.groupingBy(Golden.Case::scheme, TreeMap::new, Collectors.counting()));
    assertThat(counts)
        .isEqualTo(
            Map.of(
                "ggml/q4-0",
                30L,
                "ggml/q4-1",
                30L,
                "ggml/q5-0",
                8L,
                "ggml/q5-1",
                11L,
                "ggml/q6-k",
                10L,
                "ggml/q8-0",
                33L));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sameBitsAsThePeer(Golden.Case golden) {
    Scheme scheme = scheme(golden.scheme());
    OptionValues options = scheme.defaults(golden.rows());
    TileQuantizer quantizer = scheme.begin(golden.rows(), options, Facts.NONE, Compute.AUTO);
    for (int height : new int[] {7, 256}) {
      EncodedTile got = Run.quantize(quantizer, golden.rows(), golden.weight(), height);
      for (Part part : scheme.fit(golden.rows(), options).orThrow(golden.rows()).parts()) {
        assertThat(got.part(part.name())).as(part.name()).isEqualTo(golden.part(part.name()));
      }
    }
  }
}
