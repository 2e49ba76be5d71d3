package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A sharded model of BF16 weights in the layouts of other projects: it is written, verified,
 * decoded, and converted along a chain of layouts back to the first, whose bytes come out again.
 */
class ConvertedDirectoriesTest {

  private static final List<String> LAYERS =
      List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.down_proj");

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();

  private Path model(long seed) throws IOException {
    Path model = Files.createDirectory(dir.resolve("model"));
    Random random = new Random(seed);
    StringBuilder index = new StringBuilder();
    for (int shard = 1; shard <= 2; shard++) {
      Map<String, int[]> tensors = new LinkedHashMap<>();
      for (String layer : LAYERS) {
        tensors.put("model.layers." + shard + "." + layer + ".weight", new int[] {128, 256});
      }
      tensors.put(shard == 1 ? "model.embed_tokens.weight" : "lm_head.weight", new int[] {32, 256});
      tensors.put("model.layers." + shard + ".self_attn.o_proj.weight", new int[] {4, 256});
      String name = "model-0000" + shard + "-of-00002.safetensors";
      write(model.resolve(name), tensors, random);
      for (String tensor : tensors.keySet()) {
        index.append((index.isEmpty() ? "'" : ",'") + tensor + "':'" + name + "'");
      }
    }
    text(model.resolve("model.safetensors.index.json"), "{'weight_map':{" + index + "}}");
    text(
        model.resolve("config.json"),
        "{'architectures':['LlamaForCausalLM'],'model_type':'llama','torch_dtype':'bfloat16',"
            + "'tie_word_embeddings':false}");
    return model;
  }

  private static void text(Path file, String json) throws IOException {
    Files.writeString(file, json.replace('\'', '"'));
  }

  private static void write(Path file, Map<String, int[]> tensors, Random random)
      throws IOException {
    StringBuilder header = new StringBuilder("{");
    int size = 0;
    for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
      int[] shape = tensor.getValue();
      int end = size + 2 * shape[0] * shape[1];
      header
          .append(size == 0 ? "" : ",")
          .append('"' + tensor.getKey() + "\":{\"dtype\":\"BF16\",\"shape\":")
          .append(Arrays.toString(shape))
          .append(",\"data_offsets\":[" + size + "," + end + "]}");
      size = end;
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    while (bytes.hasRemaining()) {
      float value = (float) random.nextGaussian() * 0.05f;
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    Files.write(file, bytes.array());
  }

  /** The bytes of all tensors, in the order of the files. */
  private static List<byte[]> tensors(Path model) {
    List<byte[]> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList()) {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(8 + (int) bytes.getLong());
        byte[] data = new byte[bytes.remaining()];
        bytes.get(data);
        all.add(data);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }

  private static String configuration(Path model) throws IOException {
    String config = Files.readString(model.resolve("config.json"));
    int from = config.indexOf("quantization_config");
    return config.substring(from, config.indexOf("tie_word", from));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "W4A16 compressed-tensors gptq",
        "W4A16 compressed-tensors gptq-v2 awq",
        "W4A16_ASYM compressed-tensors awq gptq",
        "W8A16 gptq compressed-tensors gptq-v2",
        "int2 gptq compressed-tensors",
        "int3 gptq-v2 compressed-tensors",
        "W4A16_ASYM awq gptq-v2 compressed-tensors",
        "FP8_BLOCK compressed-tensors fp8",
        "FP8_BLOCK fp8 compressed-tensors",
        "NVFP4A16 compressed-tensors modelopt",
        "nf4 bitsandbytes bitsandbytes"
      })
  void comesBackBitForBit(String chain) throws IOException {
    List<String> steps = List.of(chain.split(" ", -1));
    String scheme = steps.get(0);
    Path model = model(chain.hashCode());
    Path first = dir.resolve("first");
    String[] quantize = {
      "quantize",
      model.toString(),
      "-o",
      first.toString(),
      "--scheme",
      scheme,
      "--format",
      steps.get(1),
      "--min-elements",
      "0",
      "--exclude",
      "model.layers.*.self_attn.o_proj"
    };
    assertThat(quant.run((Object[]) quantize)).as(quant.err()).isZero();
    assertThat(quant.run("verify", first, "--against", model)).as(quant.err()).isZero();
    assertThat(quant.out()).contains("8 weights decoded", "nothing differs");

    Path floats = dir.resolve("floats");
    assertThat(quant.run("dequantize", first, "-o", floats)).as(quant.err()).isZero();
    assertThat(floats.resolve("config.json")).content().doesNotContain("quantization_config");
    assertThat(floats.resolve("quantize_config.json")).doesNotExist();
    assertThat(floats.resolve("hf_quant_config.json")).doesNotExist();
    assertThat(quant.run("compare", first, floats)).isZero();
    assertThat(quant.out()).contains("the models are the same");

    Path last = first;
    List<String> path = new ArrayList<>(steps.subList(2, steps.size()));
    path.add(steps.get(1));
    for (int i = 0; i < path.size(); i++) {
      Path next = dir.resolve("step" + i);
      assertThat(quant.run("convert", last, "-o", next, "--format", path.get(i)))
          .as(quant.err())
          .isZero();
      assertThat(quant.run("verify", next)).as(quant.err()).isZero();
      assertThat(quant.run("compare", first, next)).isZero();
      assertThat(quant.out()).contains("the models are the same");
      last = next;
    }
    assertThat(tensors(last)).containsExactlyElementsOf(tensors(first));
    assertThat(configuration(last)).isEqualTo(configuration(first));
  }

  @Test
  void saysWhatIsNotShared() throws IOException {
    Path model = model(1);
    Path first = dir.resolve("first");
    assertThat(
            quant.run("quantize", model, "-o", first, "--scheme", "W4A16", "--min-elements", "0"))
        .isZero();
    for (String format : List.of("fp8", "modelopt", "bitsandbytes")) {
      Path out = dir.resolve(format);
      assertThat(quant.run("convert", first, "-o", out, "--format", format)).isEqualTo(2);
      assertThat(quant.err())
          .contains("format " + format + " cannot hold \"model.layers.1.", "--requantize");
      assertThat(out).doesNotExist();
    }
    Path fp8 = dir.resolve("fp8");
    assertThat(
            quant.run(
                "quantize",
                first,
                "-o",
                fp8,
                "--scheme",
                "FP8_BLOCK",
                "--format",
                "fp8",
                "--requantize",
                "--min-elements",
                "0"))
        .as(quant.err())
        .isZero();
    assertThat(quant.run("verify", fp8)).isZero();
    assertThat(quant.run("inspect", fp8)).isZero();
    assertThat(quant.out()).contains("fp8/e4m3");
  }

  @Test
  void weightsThatDoNotFitAreNamedAndStayInFloat() throws IOException {
    Path model = model(2);
    Path out = dir.resolve("out");
    assertThat(
            quant.run(
                "quantize",
                model,
                "-o",
                out,
                "--scheme",
                "W4A16",
                "--format",
                "gptq",
                "--min-elements",
                "0",
                "--table"))
        .as(quant.err())
        .isZero();
    assertThat(quant.out() + quant.err())
        .contains("its 4 outputs are no multiple of 32", "o_proj.weight");
    assertThat(out.resolve("quantize_config.json"))
        .content()
        .contains("-:", "o_proj")
        .contains("\"self_attn.q_proj\"")
        .doesNotContain("\"self_attn.o_proj\"");
    assertThat(out.resolve("config.json")).content().contains("modules_in_block_to_quantize");
  }
}
