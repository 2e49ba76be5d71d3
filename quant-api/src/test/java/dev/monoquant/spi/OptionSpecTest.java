package dev.monoquant.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OptionSpecTest {

  private static final OptionSpec<Integer> STEPS =
      OptionSpec.integer("steps", 20, -1, 99, "How often");
  private static final OptionSpec<Double> CLIP = OptionSpec.number("clip", 1, -0.0, 2.5, "How far");
  private static final OptionSpec<Boolean> FAST = OptionSpec.flag("fast", true, "Whether");
  private static final OptionSpec<String> MODE =
      OptionSpec.choice("mode", "b", List.of("a", "b", "c"), "Which");

  static Stream<OptionSpec<?>> all() {
    return Stream.of(STEPS, CLIP, FAST, MODE);
  }

  @Test
  void examplesAreTheDefaultAndThenWhatIsAtTheEnds() {
    assertThat(STEPS.examples()).containsExactly("20", "-1", "99");
    assertThat(CLIP.examples()).containsExactly("1.0", "0.0", "2.5");
    assertThat(FAST.examples()).containsExactly("true", "false");
    assertThat(MODE.examples()).containsExactly("b", "a", "c");
  }

  @ParameterizedTest
  @MethodSource("all")
  void examplesAreAllowedAndCanonical(OptionSpec<?> option) {
    assertThat(option.examples()).isNotEmpty();
    for (String example : option.examples()) {
      assertThat(option.canonical(example)).isEqualTo(example);
    }
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    for (String wrong : List.of("-2", "100", "1.5", "", "many")) {
      assertThatThrownBy(() -> STEPS.parse(wrong))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "option steps is \""
                  + wrong
                  + "\"; it must be a whole number from -1 to 99. Example: --option steps=20");
    }
    for (String wrong : List.of("-0.1", "2.6", "NaN", "Infinity", "")) {
      assertThatThrownBy(() -> CLIP.parse(wrong)).isInstanceOf(ConfigurationException.class);
    }
    assertThatThrownBy(() -> FAST.parse("yes")).isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> MODE.parse("B")).isInstanceOf(ConfigurationException.class);
  }

  @Test
  void valuesHaveOneSpelling() {
    assertThat(STEPS.canonical("007")).isEqualTo("7");
    assertThat(CLIP.canonical("-0")).isEqualTo("0.0");
    assertThat(CLIP.canonical("1e0")).isEqualTo("1.0");
  }

  @Test
  void valuesThatAreNotThereAreTheDefaults() {
    OptionValues values = new OptionValues(Map.of("steps", "3"));
    assertThat(values.get(STEPS)).isEqualTo(3);
    assertThat(values.get(CLIP)).isEqualTo(1.0);
    assertThat(OptionValues.DEFAULTS.get(MODE)).isEqualTo("b");
    assertThatThrownBy(() -> new OptionValues(Map.of("steps", "x")).get(STEPS))
        .isInstanceOf(ConfigurationException.class);
  }

  @Test
  void aDescriptionThatContradictsItselfIsABug() {
    assertThatThrownBy(() -> OptionSpec.integer("steps", 5, 6, 9, "How often"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the default of option steps is 5; allowed is a whole number from 6 to 9");
    assertThatThrownBy(() -> OptionSpec.flag("Fast", true, "Whether"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> OptionSpec.flag("fast", true, "two\nlines"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void valuesLeaveOutWhatIsImplied() {
    OptionSpec<String> search = CommonOptions.search("none", "grid");
    List<OptionSpec<?>> both = List.of(STEPS, search);
    assertThat(OptionValues.defaults(both).texts()).isEqualTo(Map.of("steps", "20"));
    OptionValues set = new OptionValues(Map.of("steps", "20", "search", "none"));
    assertThat(set.withoutImplied(both)).isEqualTo(OptionValues.defaults(both));
    assertThat(set.get(search)).isEqualTo(OptionValues.DEFAULTS.get(search)).isEqualTo("none");
    OptionValues grid = set.with(search, "grid");
    assertThat(grid.withoutImplied(both)).isEqualTo(grid);
    assertThat(grid.get(CommonOptions.SEARCH)).isEqualTo("grid");
  }

  @Test
  void aSearchThatIsTheDefaultIsNotImplied() {
    OptionSpec<String> search = CommonOptions.search("grid", "none");
    assertThat(search).hasToString("search (grid or none, default grid)");
    assertThat(search.isImplied()).isFalse();
    assertThat(OptionSpec.argument(search.name(), "none")).isEqualTo("--option search=none");
    assertThat(OptionValues.defaults(List.of(search)).texts()).isEqualTo(Map.of("search", "grid"));
  }
}
