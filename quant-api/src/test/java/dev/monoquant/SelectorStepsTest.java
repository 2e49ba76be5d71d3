package dev.monoquant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pattern of the user meets any name that a file may have. */
class SelectorStepsTest {

  private static Layer layer(String name) {
    return new Layer(name, LayerKind.LINEAR, Layer.Evidence.DECLARED, Map.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"re:(a+)+$", "re:(a|aa)+$", "re:(.*)*b", "*a*a*a*a*a*b", "re:(a|b)*c"})
  @Timeout(20)
  void aPatternThatGoesBackWithoutEndIsRefused(String pattern) {
    Selector selector = Selector.parse(pattern);
    assertThat(selector.matches(layer("ab"))).isIn(true, false);
    assertThatThrownBy(() -> selector.matches(layer("a".repeat(60_000) + "x")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("takes more than 1000000 steps on the name")
        .hasMessageContaining(QuantException.quote(pattern));
  }

  @Test
  void aPatternIsNotNestedWithoutEnd() {
    String deep = "(".repeat(200_000) + "a" + ")".repeat(200_000);
    assertThatThrownBy(() -> Selector.parse("re:" + deep))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is no regular expression");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "re:"})
  void anEmptyPatternIsRefused(String pattern) {
    assertThatThrownBy(() -> Selector.parse(pattern))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("an empty pattern is no selection");
  }

  @Test
  void namesOfAnyLengthMatch() {
    String name = "model.layers.0." + "a".repeat(60_000) + ".q_proj";
    for (String pattern :
        new String[] {"re:.*q_proj", "*.q_proj", "model.*", "re:model\\.layers"}) {
      assertThat(Selector.parse(pattern).matches(layer(name))).as(pattern).isTrue();
    }
    assertThat(Selector.parse("*.k_proj").matches(layer(name))).isFalse();
  }
}
