package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.Preset;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.PluginEntry;
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
    assertThat(table.lines().limit(2))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("scheme           acme/refined  "),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "  --option steps=20  How often to refine: a whole number from 0 to 99"));
  }

  @Test
  void everythingFitsIntoEightyColumns() {
    String table = PluginsCommand.toTable(Plugins.load());
    assertThat(table.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    for (PluginEntry<?> entry : Plugins.load().entries()) {
      assertThat(table.lines())
          .as(entry.id())
          .anyMatch(line -> line.matches(entry.kind().text() + " +" + entry.id() + " .*"));
    }
    String words = table.replaceAll("\\s+", " ");
    for (PluginEntry<?> entry : Plugins.load().entries()) {
      for (OptionSpec<?> option : entry.options()) {
        assertThat(words).contains(" " + option.help() + ": " + option.allowed() + " ");
      }
    }
  }

  @Test
  void everyPresetIsListedBeforeTheOutputs() {
    List<String> lines = PluginsCommand.toTable(Plugins.load()).lines().toList();
    List<String> presets = lines.stream().filter(line -> line.startsWith("preset ")).toList();
    assertThat(presets)
        .hasSize(Preset.values().length)
        .contains("preset           W8A8         int8 channel symmetric; activations int8 token");
    assertThat(lines.indexOf(presets.get(0)))
        .isLessThan(lines.lastIndexOf(lines.get(lines.size() - 1)));
    assertThat(
            JsonParser.parseString(PluginsCommand.toJson(Plugins.load()))
                .getAsJsonObject()
                .getAsJsonArray("presets"))
        .hasSize(Preset.values().length)
        .anySatisfy(
            preset ->
                assertThat(preset.toString())
                    .isEqualTo(
                        "{\"name\":\"FP8\",\"scheme\":\"fp8\","
                            + "\"granularity\":\"tensor\",\"activations\":\"float8 tensor static\","
                            + "\"needs_samples\":true}"));
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
