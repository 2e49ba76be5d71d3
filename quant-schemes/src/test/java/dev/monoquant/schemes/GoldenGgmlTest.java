package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.schemes.ggml.GgmlMxfp4Scheme;
import dev.monoquant.schemes.ggml.GgmlNvfp4Scheme;
import dev.monoquant.schemes.ggml.Iq4NlScheme;
import dev.monoquant.schemes.ggml.Iq4XsScheme;
import dev.monoquant.schemes.ggml.Q2KScheme;
import dev.monoquant.schemes.ggml.Q3KScheme;
import dev.monoquant.schemes.ggml.Q40Scheme;
import dev.monoquant.schemes.ggml.Q41Scheme;
import dev.monoquant.schemes.ggml.Q4KScheme;
import dev.monoquant.schemes.ggml.Q50Scheme;
import dev.monoquant.schemes.ggml.Q51Scheme;
import dev.monoquant.schemes.ggml.Q5KScheme;
import dev.monoquant.schemes.ggml.Q6KScheme;
import dev.monoquant.schemes.ggml.Q80Scheme;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
    return Stream.<Scheme>of(
            new GgmlMxfp4Scheme(),
            new GgmlNvfp4Scheme(),
            new Iq4NlScheme(),
            new Iq4XsScheme(),
            new Q2KScheme(),
            new Q3KScheme(),
            new Q40Scheme(),
            new Q41Scheme(),
            new Q4KScheme(),
            new Q50Scheme(),
            new Q51Scheme(),
            new Q5KScheme(),
            new Q6KScheme(),
            new Q80Scheme())
        .filter(scheme -> scheme.id().name().equals(id))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void allCasesAreThere() {
    Map<String, Long> counts =
        cases().stream()
            .collect(
                Collectors.groupingBy(
                    c -> c.scheme() + (c.weighted() ? " importance" : ""),
                    TreeMap::new,
                    Collectors.counting()));
    assertThat(counts)
        .isEqualTo(
            Map.ofEntries(
                Map.entry("ggml/iq4-nl", 10L),
                Map.entry("ggml/iq4-nl importance", 6L),
                Map.entry("ggml/iq4-xs", 10L),
                Map.entry("ggml/iq4-xs importance", 11L),
                Map.entry("ggml/mxfp4", 10L),
                Map.entry("ggml/nvfp4", 12L),
                Map.entry("ggml/q2-k", 8L),
                Map.entry("ggml/q2-k importance", 8L),
                Map.entry("ggml/q3-k", 11L),
                Map.entry("ggml/q3-k importance", 12L),
                Map.entry("ggml/q4-0", 30L),
                Map.entry("ggml/q4-0 importance", 10L),
                Map.entry("ggml/q4-1", 30L),
                Map.entry("ggml/q4-1 importance", 11L),
                Map.entry("ggml/q4-k", 10L),
                Map.entry("ggml/q4-k importance", 7L),
                Map.entry("ggml/q5-0", 8L),
                Map.entry("ggml/q5-0 importance", 8L),
                Map.entry("ggml/q5-1", 11L),
                Map.entry("ggml/q5-1 importance", 9L),
                Map.entry("ggml/q5-k", 7L),
                Map.entry("ggml/q5-k importance", 5L),
                Map.entry("ggml/q6-k", 10L),
                Map.entry("ggml/q6-k importance", 11L),
                Map.entry("ggml/q8-0", 33L)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sameBitsAsThePeer(Golden.Case golden) {
    Scheme scheme = scheme(golden.scheme());
    OptionValues options = scheme.defaults(golden.rows());
    Facts facts = Facts.NONE;
    if (golden.weighted()) {
      facts =
          facts.withInputSquares(
              Arrays.copyOf(GOLDEN.floats("imatrix.input"), (int) golden.rows().columnCount()));
    }
    TileQuantizer quantizer = scheme.begin(golden.rows(), options, facts, Compute.AUTO);
    for (int height : new int[] {7, 256}) {
      EncodedTile got = Run.quantize(quantizer, golden.rows(), golden.weight(), height);
      for (Part part : scheme.fit(golden.rows(), options).orThrow(golden.rows()).parts()) {
        if (!part.tiled()) {
          continue;
        }
        assertThat(got.part(part.name())).as(part.name()).isEqualTo(golden.part(part.name()));
      }
    }
  }
}
