package dev.monoquant.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextTest {

  /**
   * The runner of GitHub Actions obeys lines that begin with {@code ::}, blanks before it aside,
   * and {@code ##[} anywhere in a line.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "::stop-commands::x",
        "  ::add-mask::e",
        "\u00a0::error title=x::owned",
        "##[error]owned",
        "a##[add-mask]e",
        "###[error]owned",
      })
  void noTextIsACommandOfARunner(String text) {
    for (String shown : new String[] {Text.name(text), Text.line(text)}) {
      assertThat(shown).doesNotContain("##[").doesNotMatch("(?U)[\\s\u00a0]*::.*");
    }
  }

  @Test
  void otherTextsStayAsTheyAre() {
    for (String text : new String[] {"layer.0.weight", "a: b", "std: a::b", "#[x]", "# #[", ":"}) {
      assertThat(Text.line(text)).isEqualTo(text);
    }
    assertThat(Text.name("model.layers.0:weight")).isEqualTo("model.layers.0:weight");
  }

  /** Names of repeated layers differ in a number alone. */
  @Test
  void aShortenedNameKeepsTheNumbersOfItsLayers() {
    String name = "model.language_model.layers.%d.mlp.experts.%d.gate_projection.weight";
    assertThat(Text.shortened(name.formatted(17, 203), 33))
        .isEqualTo("model.lang...17.203...ion.weight");
    assertThat(Text.shortened(name.formatted(7, 1), 30)).isEqualTo("model.lang...7.1...ion.weight");
    assertThat(Text.shortened("a.12345678901234567.weight", 20)).isEqualTo("a.123456...7.weight");
    assertThat(Text.shortened("model.layers.1.weight", 20)).isEqualTo("model.la...1.weight");
    assertThat(Text.shortened("conv2d_of_the_model.weight", 20)).isEqualTo("conv2d_o...l.weight");
    for (int letters = 5; letters < 69; letters++) {
      String shown = Text.shortened(name.formatted(17, 203), letters);
      assertThat(shown.length()).isBetween(letters - 2, letters);
    }
  }
}
