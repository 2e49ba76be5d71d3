package dev.monoquant.core.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Names are split as this pattern says, which takes quadratic time and more. */
class TensorNameTest {

  private static final Pattern BLOCK_NAME =
      Pattern.compile(
          "(.+)_(weight|bias|gamma|beta|runningMean|runningVar|embedding"
              + "|[ib]_?\\w*weight\\w*|[hi]h_\\w+)");

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.of(
            "weight",
            "bias",
            "embedding",
            "runningMean",
            "ih",
            "hh",
            "i",
            "b",
            "h",
            "_",
            "_",
            "_",
            "x",
            "0",
            "-",
            "\n",
            "\u2028")
        .list()
        .ofMaxSize(9)
        .map(parts -> String.join("", parts));
  }

  @Property
  void namesAreSplitAsThePatternSays(@ForAll("names") String name) {
    Matcher block = BLOCK_NAME.matcher(name);
    assertThat(TensorName.of(name))
        .isEqualTo(
            block.matches()
                ? new TensorName(block.group(1), block.group(2))
                : new TensorName("", name));
  }

  /** Each of them takes the pattern hours. */
  @Example
  void longNamesTakeNoTime() {
    for (String piece : List.of("i", "_", "_i", "weight", "_iweight", "ih_")) {
      String name = piece.repeat(1 << 20) + "-";
      assertThat(TensorName.of(name)).isEqualTo(new TensorName("", name));
    }
  }
}
