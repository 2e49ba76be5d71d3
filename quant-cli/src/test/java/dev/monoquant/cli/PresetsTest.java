package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.Preset;
import dev.monoquant.spi.ActivationQuantization;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each preset on a model of BF16 weights in two files, into a directory and into a file. */
class PresetsTest {

  private static final String MLP = "model.layers.0.mlp.";
  private static final String ATTENTION = "model.layers.0.self_attn.";

  /** Shapes of rows and columns by name, for each file. */
  private static final List<Map<String, int[]>> SHARDS =
      List.of(
          new TreeMap<>(
              Map.of(
                  "model.embed_tokens.weight",
                  new int[] {32, 128},
                  ATTENTION + "q_proj.weight",
                  new int[] {128, 128},
                  ATTENTION + "k_proj.weight",
                  new int[] {64, 128})),
          new TreeMap<>(
              Map.of(
                  ATTENTION + "v_proj.weight",
                  new int[] {64, 128},
                  ATTENTION + "o_proj.weight",
                  new int[] {128, 128},
                  MLP + "gate_proj.weight",
                  new int[] {256, 128},
                  MLP + "up_proj.weight",
                  new int[] {256, 128},
                  MLP + "down_proj.weight",
                  new int[] {128, 256},
                  "lm_head.weight",
                  new int[] {32, 128})));

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();
  private Path llm = Path.of("");

  @BeforeEach
  void model() throws IOException {
    llm = Files.createDirectory(dir.resolve("llm"));
    JsonObject places = new JsonObject();
    for (int i = 0; i < SHARDS.size(); i++) {
      String name = "model-0000" + (i + 1) + "-of-00002.safetensors";
      shard(llm.resolve(name), SHARDS.get(i));
      SHARDS.get(i).keySet().forEach(tensor -> places.addProperty(tensor, name));
    }
    Files.writeString(
        llm.resolve("model.safetensors.index.json"),
        "{\"metadata\": {}, \"weight_map\": " + places + "}");
    Files.writeString(
        llm.resolve("config.json"),
        "{\"model_type\": \"llama\", \"vocab_size\": 32, \"tie_word_embeddings\": false}");
  }

  private static void shard(Path file, Map<String, int[]> shapes) throws IOException {
    StringBuilder header = new StringBuilder("{");
    int size = 0;
    for (Map.Entry<String, int[]> tensor : shapes.entrySet()) {
      int end = size + tensor.getValue()[0] * tensor.getValue()[1] * Short.BYTES;
      header
          .append(size == 0 ? "" : ",")
          .append('"' + tensor.getKey() + "\":{\"dtype\":\"BF16\",\"shape\":[")
          .append(tensor.getValue()[0] + "," + tensor.getValue()[1])
          .append("],\"data_offsets\":[" + size + "," + end + "]}");
      size = end;
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + json.length + size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    for (int i = 0; bytes.hasRemaining(); i++) {
      bytes.putShort((short) (Float.floatToIntBits((float) Math.sin(i * 1.7)) >>> 16));
    }
    Files.write(file, bytes.array());
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  @ParameterizedTest
  @EnumSource(
      value = Preset.class,
      names = "UNQUANTIZED|FP8|NVFP4",
      mode = EnumSource.Mode.MATCH_NONE)
  void aDirectoryIsWrittenAndItsConfigurationIsTheRecipeForTheSame(Preset preset)
      throws IOException {
    Path out = dir.resolve("out");
    Path report = dir.resolve("report.json");
    assertThat(quant.run("quantize", llm, "-o", out, "--scheme", preset, "--report", report))
        .as(quant.err())
        .isZero();

    assertThat(json(report).getAsJsonArray("weights"))
        .hasSize(7)
        .allSatisfy(weight -> asPlanned(weight.getAsJsonObject(), preset));
    JsonObject group =
        json(out.resolve("config.json"))
            .getAsJsonObject("quantization_config")
            .getAsJsonObject("config_groups")
            .getAsJsonObject("group_0");
    assertThat(group.has("input_activations")).isEqualTo(preset.activations().isPresent());
    assertThat(quant.run("verify", out, "--against", llm)).as(quant.out()).isZero();

    Path again = dir.resolve("again");
    assertThat(quant.run("quantize", llm, "-o", again, "--config", out.resolve("config.json")))
        .as(quant.err())
        .isZero();
    assertThat(again.resolve("config.json")).hasSameBinaryContentAs(out.resolve("config.json"));
    assertThat(quant.run("compare", out, again, "--json")).isZero();
    JsonObject compared = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(compared.getAsJsonArray("tensors"))
        .hasSize(9)
        .allSatisfy(t -> assertThat(t.getAsJsonObject().get("equal").getAsBoolean()).isTrue());
  }

  private static void asPlanned(JsonObject weight, Preset preset) {
    assertThat(weight.get("scheme").getAsString()).startsWith(preset.scheme().orElseThrow() + "@");
    preset
        .granularity()
        .ifPresent(g -> assertThat(weight.get("granularity").getAsString()).isEqualTo(g.wire()));
    preset
        .symmetric()
        .ifPresent(s -> assertThat(weight.get("symmetric").getAsBoolean()).isEqualTo(s));
    JsonElement activations = weight.get("activations");
    assertThat(activations == null ? null : activations.getAsString())
        .isEqualTo(preset.activations().map(ActivationQuantization::toString).orElse(null));
  }

  @ParameterizedTest
  @EnumSource(
      value = Preset.class,
      names = {"FP8", "NVFP4"})
  void whatHasToBeMeasuredIsRefusedWithWhatWorks(Preset preset) {
    assertThat(quant.run("quantize", llm, "-o", dir.resolve("out"), "--scheme", preset))
        .isEqualTo(Failure.USAGE);
    assertThat(quant.err()).contains("preset " + preset, "measured on samples", "Use ");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @Test
  void aFileHoldsTheWeightsAloneAndTheUserIsTold() {
    Path file = dir.resolve("out.safetensors");
    assertThat(quant.run("quantize", llm, "-o", file, "--scheme", "fp8_dynamic"))
        .as(quant.err())
        .isZero();
    assertThat(quant.out()).contains("fp8 channel", "float8 token is left out");
  }

  @Test
  void theDryRunShowsWhatAPresetResolvesTo() {
    assertThat(
            quant.run("quantize", llm, "-o", dir.resolve("out"), "--scheme", "W8A8", "--dry-run"))
        .as(quant.err())
        .isZero();
    assertThat(quant.out())
        .contains("int8 channel", "activations: int8 token, for the layers of 7 weights");
  }

  @Test
  void aRecipeMayGiveEachGroupAPreset() throws IOException {
    Path recipe =
        Files.writeString(
            dir.resolve("recipe.yaml"),
            """
            config_groups:
              FP8_DYNAMIC: ["re:.*self_attn.*"]
              w4a16: ["re:.*mlp.*"]
              UNQUANTIZED: [lm_head]
            kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, dynamic: false}
            """);
    Path out = dir.resolve("out");
    assertThat(quant.run("quantize", llm, "-o", out, "--config", recipe)).as(quant.err()).isZero();
    assertThat(quant.out())
        .contains(
            "activations: float8 token, for the layers of 4 weights",
            "keys and values: float8 tensor static");
    JsonObject config = json(out.resolve("config.json")).getAsJsonObject("quantization_config");
    assertThat(config.getAsJsonObject("config_groups").size()).isEqualTo(2);
    assertThat(config.getAsJsonObject("kv_cache_scheme").get("num_bits").getAsInt()).isEqualTo(8);
  }
}
