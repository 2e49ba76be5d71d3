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
}
