package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables of word embeddings in directories of compressed-tensors, and those that stay in float. */
class WordTablesTest {

  private static final String TABLE = "model.embed_tokens";

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();
  private Path in = Path.of("");
  private Path out = Path.of("");

  @BeforeEach
  void model() throws IOException {
    in = Files.createDirectory(dir.resolve("in"));
    out = dir.resolve("out");
    model(TABLE, "lm_head.weight 24x128", "\"tie_word_embeddings\": false");
  }

  private void model(String table, String head, String config) throws IOException {
    Models.tensors(
        in.resolve("model.safetensors"),
        table + ".weight 24x128; model.layers.0.mlp.up_proj.weight 16x128; " + head);
    Files.writeString(in.resolve("config.json"), "{" + config + "}");
  }

  private JsonObject groups() throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("config.json")))
        .getAsJsonObject()
        .getAsJsonObject("quantization_config")
        .getAsJsonObject("config_groups");
  }

  private void quantize(String scheme) throws IOException {
    Path recipe =
        Files.writeString(
            dir.resolve("recipe.yaml"), "targets: [Linear, Embedding]\nscheme: " + scheme + "\n");
    assertThat(quant.run("quantize", in, "-o", out, "--config", recipe, "--table"))
        .as(quant.err())
        .isZero();
  }

  @Test
  void aTableHasAGroupThatNamesItAndNoQuantizedInputs() throws IOException {
    quantize("W8A8");
    JsonObject linear = groups().getAsJsonObject("group_0");
    JsonObject table = groups().getAsJsonObject("group_1");
    assertThat(linear.getAsJsonArray("targets")).hasToString("[\"Linear\"]");
    assertThat(linear.has("input_activations")).isTrue();
    assertThat(table.getAsJsonArray("targets").get(0).getAsString()).isEqualTo(TABLE);
    assertThat(table.has("input_activations")).isFalse();
    assertThat(table.get("format").getAsString()).isEqualTo("pack-quantized");
    assertThat(quant.out()).contains("a table of embeddings has packed codes, and other layers");

    assertThat(quant.run("verify", out, "--against", in)).as(quant.out()).isZero();
    assertThat(quant.run("inspect", out)).isZero();
    assertThat(quant.out()).containsPattern("embed_tokens.* Embedding");
  }

  @Test
  void whatIsWrittenIsARecipeForIt() throws IOException {
    quantize("W8A16");
    assertThat(quant.out())
        .contains("transformers 5.24 loads the model only with")
        .doesNotContain("of the kind Embedding");
    Path again = dir.resolve("again");
    assertThat(quant.run("quantize", in, "-o", again, "--config", out.resolve("config.json")))
        .as(quant.err())
        .isZero();
    assertThat(again.resolve("config.json")).hasSameBinaryContentAs(out.resolve("config.json"));
  }

  @Test
  void withoutBeingAskedForATableStaysInFloat() throws IOException {
    assertThat(quant.run("quantize", in, "-o", out, "--scheme", "W8A16", "--table"))
        .as(quant.err())
        .isZero();
    assertThat(groups().has("group_1")).isFalse();
    assertThat(quant.out()).contains("by-default: embeddings stay in float in a directory");
  }

  @Test
  void floatsInATableNeedNoUnpackingAndVllmHasNoKernel() throws IOException {
    quantize("FP8_DYNAMIC");
    assertThat(quant.out())
        .contains("of the kind Embedding, such as \"" + TABLE + "\": vLLM has no kernel")
        .doesNotContain("packed codes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.embed_tokens | lm_head.weight 24x128 | '\"a\": 1'",
        "model.embed_tokens | norm.weight 64 | '\"tie_word_embeddings\": false'",
        "word_embeddings | norm.weight 64 | '\"architectures\": [\"BertModel\"]'",
        "word_embeddings | b 1 | '\"tie_word_embeddings\": true, \"architectures\": [\"BertModel\"]'",
        "wte | norm.weight 64 | '\"architectures\": [\"GPT2ForSequenceClassification\"]'"
      })
  void aTableThatIsNoHeadIsQuantized(String table, String head, String config) throws IOException {
    model(table, head, config);
    quantize("W8A16");
    assertThat(groups().getAsJsonObject("group_1")).isNotNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.embed_tokens | norm.weight 64 | '\"tie_word_embeddings\": true' | weight of the head",
        "model.embed_tokens | lm_head.weight 24x128 | '\"tie_word_embeddings\": true' | of the head",
        "model.embed_tokens | norm.weight 64 | '\"a\": 1' | weight of the head",
        "wte | norm.weight 64 | '\"architectures\": [\"GPT2LMHeadModel\"]' | weight of the head",
        "decoder.embed_tokens | b 1 | '\"architectures\": [\"EncoderDecoderModel\"]' | of the head",
        "wte | b 1 | '\"architectures\": [\"VisionEncoderDecoderModel\"]' | weight of the head",
        "embed_positions | norm.weight 64 | '\"tie_word_embeddings\": false' | tables of words",
        "model.shared | norm.weight 64 | '\"tie_word_embeddings\": false' | tables of words"
      })
  void anotherTableStaysInFloatAndIsNamed(String table, String head, String config, String why)
      throws IOException {
    model(table, head, config);
    quantize("W8A16");
    assertThat(groups().has("group_1")).isFalse();
    assertThat(quant.out()).contains(table, why);
  }
}
