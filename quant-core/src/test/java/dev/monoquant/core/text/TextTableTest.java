package dev.monoquant.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TextTableTest {

  private static final List<String> NAMES =
      List.of(
          "model.layers.0.mlp.down_proj.weight",
          "model.layers.0.self_attn.k_proj.weight",
          "model.layers.11.self_attn.q_proj.weight");

  private static String[] lines(List<String> names, int width, String... columns) {
    TextTable table = new TextTable(columns);
    for (String name : names) {
      String[] row = new String[columns.length];
      Arrays.fill(row, "123456789");
      row[0] = name;
      table.row(row);
    }
    StringBuilder out = new StringBuilder();
    table.appendTo(out, width);
    return out.toString().split("\n");
  }

  @Test
  void namesLoseWhatAllOfThemHaveInCommon() {
    assertThat(lines(NAMES, 40, "weight", ">after"))
        .containsExactly(
            "weight                             after",
            "...0.mlp.down_proj.weight      123456789",
            "...0.self_attn.k_proj.weight   123456789",
            "...11.self_attn.q_proj.weight  123456789");
    assertThat(lines(NAMES, 48, "weight", ">after"))
        .contains(
            "model.layers.0.mlp.down_proj.weight    123456789",
            "...layers.0.self_attn.k_proj.weight    123456789");
    assertThat(lines(NAMES, 36, "weight", ">after"))
        .contains("...0.mlp.down_proj.weight  123456789", "...11.self_attn.q_proj...  123456789");
    assertThat(lines(NAMES, 30, "weight", ">after"))
        .contains("0.mlp.down_proj       123456789", "11.self_attn.q_proj   123456789");
  }

  @Test
  void columnsAreLeftOutBeforeNamesAreCut() {
    assertThat(lines(NAMES, 47, "weight", "?kind", ">after"))
        .contains(
            "...0.self_attn.k_proj...   123456789  123456789",
            "...11.self_attn.q_proj...  123456789  123456789");
    assertThat(lines(NAMES, 46, "weight", "?kind", ">after"))
        .contains("model.layers.0.mlp.down_proj.weight  123456789");
  }

  @Property
  void differentNamesStayDifferentAndRowsFit(
      @ForAll("names") Set<String> names, @ForAll @IntRange(min = 31, max = 90) int width) {
    String[] lines = lines(List.copyOf(names), width, "weight", "?kind", ">after");
    assertThat(lines).allMatch(line -> line.length() <= width);
    int longest = names.stream().mapToInt(String::length).max().orElse(0);
    int core = longest - "model.layers.".length() - ".weight".length();
    if (core + 6 <= 20) {
      assertThat(new HashSet<>(Arrays.asList(lines))).hasSize(names.size() + 1);
    }
  }

  @Provide
  Arbitrary<Set<String>> names() {
    return Arbitraries.strings()
        .withChars("ab.0\u00e4")
        .ofMinLength(1)
        .ofMaxLength(24)
        .map(core -> "model.layers." + core + ".weight")
        .set()
        .ofMinSize(1)
        .ofMaxSize(6);
  }
}
