package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Schemes and options of weights that come out of a file. */
class StoredOptionsTest {

  private static final String MADE_BY = "{\"scheme fake\":\"com.example.Fake 1.2\"}";

  private static StoredOptions options(Plugins plugins, String madeBy) {
    return new StoredOptions(
        plugins,
        MemoryModel.named("m").metadata(Map.of("monoquant.plugins", madeBy)).build().open());
  }

  private static EncodedWeight weight(Map<String, String> options) {
    TensorInfo tensor = new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(4, 6));
    return new EncodedWeight(
        new WeightMatrix("fc", LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("fake", 1),
        new OptionValues(options),
        Encoding.opaque(Part.perElement(Part.CODES, ElementType.INT8)));
  }

  @Test
  void aMissingSchemeIsNamedByClassAndVersion() {
    assertThatThrownBy(() -> options(Plugins.of(), MADE_BY).scheme(weight(Map.of())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no scheme \"fake\"")
        .hasMessageEndingWith(
            "\"fc.weight\" was made by \"com.example.Fake 1.2\" (class and version, as the file"
                + " says)");
  }

  @Test
  void whatSaysNothingOrNonsenseHurtsNobody() {
    for (String text : new String[] {"{}", "[", "7", "{\"scheme fake\":[1,2]}", "null", ""}) {
      assertThatThrownBy(() -> options(Plugins.of(), text).scheme(weight(Map.of())))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("no scheme \"fake\"");
    }
  }

  @Test
  void optionsAreCheckedAndCompleted() {
    StoredOptions options = options(Plugins.of(new FakeScheme()), MADE_BY);
    assertThat(options.complete(weight(Map.of("granularity", "group:3"))).options().toString())
        .isEqualTo("bits=8, granularity=group:3, profile=compressed-tensors, symmetric=true");
    assertThatThrownBy(() -> options.complete(weight(Map.of("bits", "4"))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("scheme fake: option bits is \"4\"; it must be 8");
    assertThatThrownBy(() -> options.complete(weight(Map.of("granularity", "group:4"))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("its 6 columns are no multiple of the group size 4");
  }
}
