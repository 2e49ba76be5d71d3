package dev.monoquant.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Preset;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.FakeLayers;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Plugins;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SchemeChoiceTest {

  private static final OptionSpec<Integer> ROUNDS =
      OptionSpec.integer("rounds", 1, 1, 9, "How often");

  /** A scheme that counts how often it is asked for its options. */
  private static final class Asked extends FakeScheme {
    private int times;

    @Override
    public List<OptionSpec<?>> options() {
      times++;
      return List.of(ROUNDS);
    }
  }

  private final Asked asked = new Asked();
  private final SchemeChoice choice =
      new SchemeChoice(
          Plugins.of(asked),
          Map.of(),
          Optional.empty(),
          OwnOptions.of(new FakeLayers("test/input")),
          List.of(),
          List.of(),
          false);

  private static WeightSettings fake() {
    return WeightSettings.OPEN.withScheme("fake");
  }

  @Test
  void aSchemeDescribesItsOptionsOnceForAllWeights() {
    choice.of(fake());
    choice.of(fake().withExtra("rounds", "02"));
    choice.of(fake().withExtra("rounds", "3"));
    assertThat(asked.times).isEqualTo(1);
  }

  @Test
  void eachWeightHasItsOwnValues() {
    assertThat(choice.of(fake()).given()).isEmpty();
    assertThat(choice.of(fake().withExtra("rounds", "02")).given())
        .isEqualTo(Map.of("rounds", "2"));
    assertThat(choice.of(fake()).given()).isEmpty();
    assertThat(choice.of(fake()).scheme()).isSameAs(asked);
  }

  @Test
  void bitsAndTypeNameASchemeWhereNoneIsNamed() {
    assertThat(SchemeChoice.schemeId(WeightSettings.OPEN)).isEqualTo("int8");
    assertThat(SchemeChoice.schemeId(WeightSettings.OPEN.withBits(4))).isEqualTo("int4");
    assertThat(SchemeChoice.schemeId(WeightSettings.OPEN.withType(NumberType.FLOAT)))
        .isEqualTo("float16");
    assertThat(SchemeChoice.schemeId(fake().withBits(4))).isEqualTo("fake");
    WeightSettings floats = WeightSettings.OPEN.withType(NumberType.FLOAT);
    assertThat(SchemeChoice.schemeId(floats.withBits(8))).isEqualTo("fp8");
    assertThat(SchemeChoice.schemeId(WeightSettings.OPEN.withScheme("W4A16_ASYM")))
        .isEqualTo("int4");
  }

  @Test
  void bitsThatNoSchemeHasAreNamedAsTheyWereGiven() {
    assertThatThrownBy(() -> choice.of(WeightSettings.OPEN.withBits(5)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("no scheme has codes of type int with 5 bits; there are ");
  }

  @Test
  void aPresetWhoseActivationsHaveToBeMeasuredNamesOneThatWorks() {
    for (Map.Entry<Preset, String> instead :
        Map.of(Preset.FP8, "FP8_DYNAMIC", Preset.NVFP4, "NVFP4A16").entrySet()) {
      assertThatThrownBy(() -> choice.of(WeightSettings.OPEN.withScheme(instead.getKey().name())))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContainingAll(
              "preset " + instead.getKey() + ", activations float",
              "measured on samples",
              "Use " + instead.getValue() + ",");
    }
  }
}
