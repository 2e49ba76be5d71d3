package dev.monoquant.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.Preset;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The {@code quantization_config} of published models is a recipe. {@code presets.json} holds what
 * compressed-tensors 0.20.1 writes for each preset, with a head that is ignored.
 */
class PublishedConfigTest {

  private static JsonObject written(Preset preset) throws IOException {
    try (InputStream in = PublishedConfigTest.class.getResourceAsStream("presets.json")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      return JsonParser.parseString(text).getAsJsonObject().getAsJsonObject(preset.name());
    }
  }

  private static JsonObject changed(String key, String json) throws IOException {
    JsonObject config = written(Preset.W4A16);
    config.add(key, JsonParser.parseString(json));
    return config;
  }

  private static JsonObject weights(String key, String json) throws IOException {
    JsonObject config = written(Preset.W4A16);
    config
        .getAsJsonObject("config_groups")
        .getAsJsonObject("group_0")
        .getAsJsonObject("weights")
        .add(key, JsonParser.parseString(json));
    return config;
  }

  private static QuantizationConfig parse(JsonElement config) {
    return Recipe.parseJson(config.toString(), "config.json");
  }

  @ParameterizedTest
  @EnumSource(value = Preset.class, names = "UNQUANTIZED", mode = EnumSource.Mode.EXCLUDE)
  void eachPresetMeansWhatItsConfigurationDoes(Preset preset) throws IOException {
    QuantizationConfig config = parse(written(preset));

    assertThat(config.rules()).hasSize(2).last().isEqualTo(Rule.exclude("lm_head"));
    Rule rule = config.rules().get(0);
    assertThat(rule.selector().text()).isEqualTo("Linear");
    WeightSettings read = rule.settings();
    WeightSettings named = WeightSettings.OPEN.withScheme(preset.name()).resolved();
    String id =
        read.scheme().orElseGet(() -> read.type().orElseThrow().wire() + read.bits().orElseThrow());
    assertThat(id.replace("float8", "fp8")).isEqualTo(named.scheme().orElseThrow());
    assertThat(read.granularity()).isEqualTo(named.granularity());
    assertThat(read.activations()).isEqualTo(named.activations());
    assertThat(read.symmetric().orElse(true)).isEqualTo(named.symmetric().orElse(true));
    assertThat(config.format()).isEmpty();
    assertThat(Recipe.parse(Recipe.toTree(config), "again")).isEqualTo(config);
  }

  @Test
  void aWholeConfigurationOfAModelIsReadByItsKey() throws IOException {
    JsonObject model = new JsonObject();
    model.addProperty("model_type", "llama");
    model.addProperty("hidden_size", 64);
    for (String key : List.of("compression_config", "quantization_config")) {
      model.add(key, written(Preset.FP8_DYNAMIC));
      assertThat(parse(model)).isEqualTo(parse(written(Preset.FP8_DYNAMIC)));
      model.getAsJsonObject(key).addProperty("quant_method", "awq");
      assertThatThrownBy(() -> parse(model))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining(key + ".quant_method: the keys of awq are not those")
          .hasMessageContaining("the nearest preset is W4A16_ASYM");
    }
  }

  @Test
  void aModelThatIsNotQuantizedIsNoRecipe() {
    assertThatThrownBy(() -> Recipe.parseJson("{\"model_type\": \"llama\"}", "config.json"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("a model that is not quantized");
  }

  @Test
  void theCacheAndTheObserverAreUnderstood() throws IOException {
    JsonObject config =
        changed("kv_cache_scheme", "{\"num_bits\":8,\"type\":\"float\",\"observer\":\"minmax\"}");
    assertThat(parse(config).kvCache().map(Object::toString)).contains("float8 tensor static");
    for (String none : List.of("\"minmax\"", "\"memoryless_minmax\"", "null")) {
      assertThat(parse(weights("observer", none))).isEqualTo(parse(written(Preset.W4A16)));
    }
    assertThat(parse(weights("observer", "\"memoryless_mse\"")).rules().get(0).settings().extra())
        .isEqualTo(Map.of("search", "mse"));
    assertThat(parse(weights("actorder", "\"static\""))).isEqualTo(parse(written(Preset.W4A16)));
  }

  @Test
  void olderFormsAreRead() throws IOException {
    JsonObject config = written(Preset.W4A16);
    JsonObject weights =
        config
            .getAsJsonObject("config_groups")
            .getAsJsonObject("group_0")
            .getAsJsonObject("weights");
    weights.addProperty("group_size", -1);
    weights.addProperty("strategy", "channel");
    assertThat(parse(config).rules().get(0).settings().granularity()).contains(Granularity.CHANNEL);
    weights.remove("strategy");
    assertThat(parse(config).rules().get(0).settings().granularity()).contains(Granularity.CHANNEL);
    weights.remove("group_size");
    weights.addProperty("block_structure", "128x64");
    assertThat(parse(config).rules().get(0).settings().granularity())
        .contains(Granularity.block(128, 64));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "actorder | \"group\" | actorder: \"group\" stores columns in another order",
        "actorder | true | actorder: \"true\" stores columns",
        "observer | \"imatrix_mse\" | observer: \"imatrix_mse\" is not supported for weights",
        "observer_kwargs | {\"norm\": 3} | observer_kwargs: this is not supported",
        "dynamic | true | dynamic: this is not supported",
        "scale_dtype | \"torch.bfloat16\" | scale_dtype: \"torch.bfloat16\" is not supported",
        "scale_dtype | \"torch.uint8\" | torch.uint8 goes with symmetric floats of 4 or 8 bits",
        "strategy | \"tensor_group\" | tensor_group goes with symmetric floats of 4 bits",
        "strategy | \"attn_head\" | strategy: \"attn_head\" is not known",
        "group_size | -2 | group_size: group size -2",
        "block_structure | \"axb\" | block_structure is the text \"axb\"",
        "num_bitz | 4 | num_bitz: unknown key; did you mean num_bits?",
      })
  void whatIsNotSupportedIsNamed(String key, String value, String message) throws IOException {
    JsonObject config = weights(key, value);
    assertThatThrownBy(() -> parse(config))
        .isInstanceOf(ConfigurationException.class)
        .message()
        .startsWith("config.json:1: config_groups.group_0.weights.")
        .contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "sparsity_config | {\"format\": \"sparse-24-bitmask\"} | sparsity_config: this is not",
        "transform_config | {\"u\": 1} | transform_config: this is not supported",
        "quant_method | \"gptq\" | the nearest preset is W4A16.",
        "quant_method | 3 | quant_method is 3; it must be text",
        "format | \"marlin-24 \" | format: format \"marlin-24 \" is no id",
        "weight_block_size | [128, 128] | weight_block_size: unknown key",
      })
  void soAreKeysOfTheWhole(String key, String value, String message) throws IOException {
    JsonObject config = changed(key, value);
    assertThatThrownBy(() -> parse(config))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  @Test
  void whatTellsHowAModelWasStoredHasNoEffect() throws IOException {
    QuantizationConfig plain = parse(written(Preset.W4A16));
    for (String format : Arrays.asList("\"mixed-precision\"", "\"dense\"", "null")) {
      assertThat(parse(changed("format", format))).isEqualTo(plain);
    }
    assertThat(parse(changed("quantization_status", "\"frozen\""))).isEqualTo(plain);
    assertThat(parse(changed("global_compression_ratio", "1.4"))).isEqualTo(plain);
    assertThat(parse(changed("sparsity_config", "{\"format\":\"dense\"}"))).isEqualTo(plain);
    assertThat(parse(changed("transform_config", "{}"))).isEqualTo(plain);
    assertThat(parse(changed("format", "\"safetensors\"")).format())
        .isEqualTo(Optional.of("safetensors"));
  }
}
