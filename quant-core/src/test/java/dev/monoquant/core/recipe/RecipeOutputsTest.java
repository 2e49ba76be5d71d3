package dev.monoquant.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.control.Output;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The outputs of a recipe: their configurations, and the faults in them. */
class RecipeOutputsTest {

  private static final Plugins SCHEMES = Plugins.of(scheme("int4"), scheme("int8"));

  private static Scheme scheme(String name) {
    return new FakeScheme() {
      @Override
      public SchemeId id() {
        return new SchemeId(name, 1);
      }
    };
  }

  /** All faults that are reported of the recipe of a run. */
  private static List<String> problems(String json) {
    return catchThrowableOfType(
            ConfigurationException.class, () -> Recipe.parseRunJson(json, "r.json", SCHEMES))
        .problems();
  }

  @Test
  void unknownSchemesAreReportedWithAllOtherFaults() {
    String json =
        """
        {"scheme": "W4A17",
         "weights": {"num_bits": "four"},
         "config_groups": {"g": {"targets": ["Linear"], "scheme": "int44"}},
         "outputs": [
          {"path": "a", "scheme": "FP8_DINAMIC"},
          {"path": "b", "scheme": "w8a16"},
          {"path": "c", "scheme": "int8"}]}
        """;
    assertThat(problems(json))
        .anyMatch(p -> p.startsWith("r.json:1: scheme: \"W4A17\" is no") && p.contains("W4A16"))
        .anyMatch(p -> p.startsWith("r.json:2: weights.num_bits"))
        .anyMatch(p -> p.startsWith("r.json:3: config_groups.g.scheme: ") && p.contains("int4"))
        .anyMatch(p -> p.startsWith("r.json:5: outputs[0].scheme: ") && p.contains("FP8_DYNAMIC"))
        .hasSize(4);
  }

  @Test
  void outputsOverrideTheRecipeFieldByField() {
    String json =
        """
        {"scheme": "int4", "ignore": ["lm_head"], "min_elements": 64,
         "outputs": [{"path": "a", "scheme": "FP8_DYNAMIC", "ignore": ["mlp"]},
                     {"path": "b.safetensors", "format": "safetensors", "min_elements": 32}]}
        """;
    RunRecipe recipe = Recipe.parseRunJson(json, "r.json", SCHEMES);
    QuantizationConfig.Builder base =
        QuantizationConfig.builder().scheme("int4").exclude("lm_head").minElements(64);
    assertThat(recipe.config()).isEqualTo(base.build());
    assertThat(recipe.outputs())
        .containsExactly(
            new Output(
                Path.of("a"),
                base.build()
                    .overrideWith(
                        QuantizationConfig.builder().scheme("FP8_DYNAMIC").exclude("mlp").build())),
            new Output(
                Path.of("b.safetensors"),
                base.build()
                    .overrideWith(
                        QuantizationConfig.builder()
                            .format("safetensors")
                            .minElements(32)
                            .build())));
    assertThatThrownBy(() -> Recipe.parseJson(json, "r.json"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("r.json: outputs: this recipe also says what to write")
        .hasMessageContaining("parseRunJson");
  }

  @Test
  void oneCalibrationIsForAllOutputs() {
    String json =
        """
        {"calibration": "stats/llm.npz",
         "outputs": [{"path": "a", "scheme": "W4A16"}, {"path": "b", "scheme": "W8A16"}]}
        """;
    RunRecipe recipe = Recipe.parseRunJson(json, "r.json", SCHEMES);
    assertThat(recipe.calibration()).contains(Path.of("stats/llm.npz"));
    assertThat(recipe.in(Path.of("models")).calibration())
        .contains(Path.of("models/stats/llm.npz"));
    assertThat(recipe.in(Path.of("models")).outputs()).isEqualTo(recipe.outputs()).hasSize(2);
    assertThatThrownBy(() -> Recipe.parseJson("{\"calibration\": \"c.npz\"}", "r.json"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("r.json: calibration: this recipe also says what to calibrate with");
    String faults =
        """
        {
          "calibration": 7,
          "outputs": [
            {"path": "a", "calibration": "c.npz"}],
          "config_groups": {"g": {"targets": ["Linear"],
            "calibration": "c.npz"}}}
        """;
    assertThat(problems(faults))
        .anyMatch(p -> p.startsWith("r.json:2: calibration is 7; it must be text"))
        .anyMatch(
            p ->
                p.startsWith("r.json:4: outputs[0].calibration: all outputs")
                    && p.contains("in a run of its own"))
        .anyMatch(p -> p.startsWith("r.json:6: config_groups.g.calibration: unknown key"))
        .hasSize(3);
    assertThatThrownBy(() -> Recipe.parseRunJson("{\"calibration\": \" \"}", "r.json", SCHEMES))
        .hasMessageContaining("calibration: a path is needed, not an empty text");
  }

  @Test
  void everyFaultOfTheOutputsIsReportedWithItsLine() {
    String json =
        """
        {"outputs": [
          {"scheme": "int8"},
          {"path": "", "bits": 4},
          {"path": "x", "outputs": []},
          7]}
        """;
    assertThat(problems(json))
        .anyMatch(p -> p.startsWith("r.json:") && p.contains("outputs[0].path: missing"))
        .anyMatch(p -> p.startsWith("r.json:3: outputs[1].path: a path is needed"))
        .anyMatch(p -> p.startsWith("r.json:3: outputs[1].bits: unknown key"))
        .anyMatch(p -> p.startsWith("r.json:4: outputs[2].outputs: unknown key"))
        .anyMatch(p -> p.contains("outputs[3] is 7; it must be a map"))
        .hasSize(5);
    assertThatThrownBy(() -> Recipe.parseRunJson("{\"outputs\": []}", "r.json", SCHEMES))
        .hasMessageContaining("outputs: an empty list writes nothing");
  }
}
