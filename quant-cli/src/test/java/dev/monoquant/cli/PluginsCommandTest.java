package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.fakes.ForwardingDetector;
import dev.monoquant.testkit.fakes.ForwardingLayerQuantizer;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import java.util.List;
import org.junit.jupiter.api.Test;

class PluginsCommandTest {

  @Test
  void theOptionsOfASchemeAreListedUnderIt() {
    String table = PluginsCommand.toTable(Plugins.of(new Refined()));
    assertThat(table.lines())
        .hasSize(2)
        .element(1)
        .isEqualTo(
            "                 --option steps=20  How often to refine: a whole number from 0 to 99");
  }

  @Test
  void theOptionsOfASchemeAreInTheJson() {
    JsonObject plugin =
        JsonParser.parseString(PluginsCommand.toJson(Plugins.of(new Refined())))
            .getAsJsonObject()
            .getAsJsonArray("plugins")
            .get(0)
            .getAsJsonObject();
    assertThat(plugin.getAsJsonArray("options").toString())
        .isEqualTo(
            "[{\"name\":\"steps\",\"type\":\"integer\",\"allowed\":\"a whole number from 0 to 99\","
                + "\"default\":\"20\",\"help\":\"How often to refine\"}]");
  }

  @Test
  void theOptionsOfEveryKindOfPluginAreListed() {
    OptionSpec<Boolean> option = OptionSpec.flag("odd", false, "Whether it is");
    Plugins plugins =
        Plugins.of(
            new ForwardingDetector(Plugins.load().inputFormat("safetensors")) {
              @Override
              public List<OptionSpec<?>> options() {
                return List.of(option);
              }
            },
            new ForwardingLayerQuantizer(Plugins.load().layerQuantizers().get(0)) {
              @Override
              public List<OptionSpec<?>> options() {
                return List.of(option);
              }
            },
            new Refined(),
            new ForwardingOutput(Plugins.load().outputFormat("safetensors")) {
              @Override
              public List<OptionSpec<?>> options() {
                return List.of(option);
              }
            });
    assertThat(PluginsCommand.toTable(plugins).lines().map(String::trim))
        .filteredOn(line -> line.startsWith("--option"))
        .containsExactly(
            "--option odd=false  Whether it is: true or false",
            "--option odd=false  Whether it is: true or false",
            "--option steps=20  How often to refine: a whole number from 0 to 99",
            "--option odd=false  Whether it is: true or false");
    JsonParser.parseString(PluginsCommand.toJson(plugins))
        .getAsJsonObject()
        .getAsJsonArray("plugins")
        .forEach(p -> assertThat(p.getAsJsonObject().getAsJsonArray("options")).hasSize(1));
  }

  private static final class Refined extends ForwardingScheme {

    Refined() {
      super(new Int8Scheme());
    }

    @Override
    public SchemeId id() {
      return new SchemeId("acme/refined", 1);
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(OptionSpec.integer("steps", 20, 0, 99, "How often to refine"));
    }
  }
}
