package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that other projects quantized. Those that are not decoded, in every container there is: no
 * command takes their codes for weights, none writes anything, and each says what they are. Those
 * that are decoded: they are refused unless they are to be quantized again, and their decoded form
 * carries nothing of their quantization.
 */
class ForeignModelTest {

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();

  /** What is made, and what must be said of it: its method, how many, and one by name. */
  private record Made(Path path, String method, int count, String example) {}

  private Made make(String kind) throws IOException {
    Path root = Files.createDirectory(dir.resolve("model"));
    return switch (kind) {
      case "mlx without a config, one file" ->
          new Made(
              safetensors(
                  root.resolve("model.safetensors"),
                  "fc.weight U32 8x8 256; fc.scales F16 8x2 32; fc.biases F16 8x2 32;"
                      + " lm_head.weight F32 4x16 256"),
              "by MLX,",
              1,
              "fc.weight");
      case "experts of mxfp4 whose scales are in another shard" -> {
        safetensors(root.resolve("a-00001-of-00002.safetensors"), "mlp.up_blocks U8 2x8x16 256");
        safetensors(
            root.resolve("a-00002-of-00002.safetensors"),
            "mlp.up_scales U8 2x8x1 16; lm_head.weight F32 4x16 256");
        text(
            root.resolve("model.safetensors.index.json"),
            "{'weight_map':{'mlp.up_blocks':'a-00001-of-00002.safetensors',"
                + "'mlp.up_scales':'a-00002-of-00002.safetensors',"
                + "'lm_head.weight':'a-00002-of-00002.safetensors'}}");
        text(root.resolve("config.json"), "{'quantization_config':{'quant_method':'mxfp4'}}");
        yield new Made(root, "by mxfp4,", 1, "mlp.up_blocks");
      }
      case "awq for another kernel" -> {
        safetensors(
            root.resolve("model.safetensors"),
            "a.qweight I32 32x4 512; a.qzeros I32 1x4 16; a.scales F16 1x32 64;"
                + " b.qweight I32 32x4 512; b.qzeros I32 1x4 16; b.scales F16 1x32 64;"
                + " lm_head.weight F32 4x16 256");
        text(root.resolve("config.json"), "{'architectures':['LlamaForCausalLM']}");
        text(root.resolve("quant_config.json"), "{'w_bit':4,'version':'gemv'}");
        yield new Made(root, "by AWQ (4 bits),", 2, "a.qweight");
      }
      case "compressed-tensors of sparse fp8" -> {
        safetensors(
            root.resolve("model.safetensors"),
            "fc.weight F8_E4M3 32x16 512; fc.weight_scale F32 32x1 128; lm_head.weight F32 4x16 256");
        text(
            root.resolve("config.json"),
            "{'quantization_config':{'quant_method':'compressed-tensors','format':'float-quantized',"
                + "'sparsity_config':{'format':'sparse-24-bitmask'},"
                + "'config_groups':{'group_0':{'targets':['Linear'],'weights':{'type':'float'}}}}}");
        yield new Made(root, "by compressed-tensors (float-quantized),", 1, "fc.weight");
      }
      case "floats with a configuration that says otherwise" -> {
        safetensors(root.resolve("model.safetensors"), "lm_head.weight F32 4x16 256");
        text(root.resolve("quantize_config.json"), "{'bits':4,'group_size':128}");
        yield new Made(root, "by GPTQ (4 bits),", 0, "quantize_config.json");
      }
      case "gptq in a checkpoint" ->
          new Made(resource("gptq.bin", root.resolve("m.bin")), "by GPTQ,", 1, "fc.qweight");
      case "fp8 in a directory of an old checkpoint" -> {
        resource("fp8.bin", root.resolve("pytorch_model.bin"));
        yield new Made(root, "by FP8,", 1, "fc.weight");
      }
      default -> throw new IllegalArgumentException(kind);
    };
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mlx without a config, one file",
        "experts of mxfp4 whose scales are in another shard",
        "awq for another kernel",
        "compressed-tensors of sparse fp8",
        "floats with a configuration that says otherwise",
        "gptq in a checkpoint",
        "fp8 in a directory of an old checkpoint"
      })
  void isRefusedAndNamed(String kind) throws IOException {
    Made made = make(kind);
    String weights =
        made.count() == 0
            ? "no tensor was recognised as codes"
            : made.count() + (made.count() == 1 ? " weight, such as " : " weights, such as ");
    String[] said = {made.method(), "this version does not decode", weights, made.example()};
    List<Path> before = files();

    for (String output : List.of("out", "out.safetensors")) {
      for (String command : List.of("quantize", "dequantize")) {
        assertThat(quant.run(command, made.path(), "-o", dir.resolve(output))).isEqualTo(3);
        assertThat(quant.err())
            .contains(said)
            .contains("Give the float original")
            .containsOnlyOnce("\n");
        assertThat(quant.out()).isEmpty();
      }
    }
    assertThat(quant.run("quantize", made.path(), "-o", dir.resolve("out"), "--dry-run"))
        .isEqualTo(3);
    assertThat(quant.err()).contains(said);

    assertThat(quant.run("inspect", made.path())).isZero();
    assertThat(quant.out()).contains(said);
    assertThat(quant.run("inspect", made.path(), "--json")).isZero();
    JsonObject foreign =
        JsonParser.parseString(quant.out())
            .getAsJsonObject()
            .getAsJsonObject("foreign_quantization");
    assertThat("by " + foreign.get("method").getAsString() + ",").isEqualTo(made.method());
    assertThat(foreign.get("count").getAsInt()).isEqualTo(made.count());

    assertThat(quant.run("compare", made.path(), made.path())).isZero();
    assertThat(quant.out()).contains(said).contains("note: A is", "note: B is");
    assertThat(quant.run("verify", made.path())).isEqualTo(4);
    assertThat(quant.err()).contains(said).contains("no manifest");
    assertThat(files()).isEqualTo(before);
  }

  private Path decodable(String method) throws IOException {
    Path root = Files.createDirectory(dir.resolve("model"));
    String head = "lm_head.weight BF16 4x64 512; ";
    String config = "{'architectures':['LlamaForCausalLM'],'torch_dtype':'bfloat16'}";
    switch (method) {
      case "gptq/int4" -> {
        safetensors(
            root.resolve("model.safetensors"),
            head
                + "fc.qweight I32 8x32 1024; fc.qzeros I32 2x4 32; fc.scales F16 2x32 128;"
                + " fc.bias F16 32 64");
        text(root.resolve("quantize_config.json"), "{'bits':4,'group_size':32}");
        config =
            "{'architectures':['LlamaForCausalLM'],'quantization_config':{'quant_method':'gptq',"
                + "'bits':4,'group_size':32}}";
      }
      case "fp8/e4m3" -> {
        safetensors(
            root.resolve("model.safetensors"),
            head + "fc.weight F8_E4M3 32x64 2048; fc.weight_scale_inv F32 1x1 4");
        config =
            "{'architectures':['LlamaForCausalLM'],'quantization_config':{'quant_method':'fp8',"
                + "'weight_block_size':[128,128]}}";
      }
      case "mlx/int4" -> {
        safetensors(
            root.resolve("model.safetensors"),
            head
                + "fc.weight U32 32x8 1024; fc.scales BF16 32x2 128; fc.biases BF16 32x2 128;"
                + " fc.bias BF16 32 64");
        config =
            "{'architectures':['LlamaForCausalLM'],'quantization':{'group_size':32,'bits':4},"
                + "'quantization_config':{'group_size':32,'bits':4}}";
      }
      case "quanto/qint8" -> {
        safetensors(
            root.resolve("model.safetensors"),
            head + "fc.weight._data I8 32x64 2048; fc.weight._scale BF16 32x1 64");
        text(root.resolve("quanto_qmap.json"), "{'fc':{'weights':'qint8'}}");
      }
      default -> {
        safetensors(
            root.resolve("model.safetensors"),
            head
                + "fc.weight U8 32x32 1024; fc.weight_scale F8_E4M3 32x4 128;"
                + " fc.weight_scale_2 F32 1 4; fc.input_scale F32 1 4");
        text(
            root.resolve("hf_quant_config.json"),
            "{'producer':{'name':'modelopt'},'quantization':{'quant_algo':'NVFP4'}}");
      }
    }
    text(root.resolve("config.json"), config);
    return root;
  }

  @ParameterizedTest
  @ValueSource(strings = {"gptq/int4", "fp8/e4m3", "modelopt/nvfp4", "mlx/int4", "quanto/qint8"})
  void isDecodedAndQuantizedAgainIfAskedFor(String method) throws IOException {
    Path model = decodable(method);
    assertThat(quant.run("inspect", model)).isZero();
    assertThat(quant.out()).contains("fc.weight", method).doesNotContain("does not decode");

    Path out = dir.resolve("out");
    assertThat(quant.run("quantize", model, "-o", out)).isEqualTo(3);
    assertThat(quant.err())
        .contains("1 weight, such as \"fc.weight\" by " + method, "--requantize");

    Path floats = dir.resolve("floats");
    assertThat(quant.run("dequantize", model, "-o", floats)).isZero();
    assertThat(floats.resolve("config.json")).content().doesNotContain("quantization_config");
    assertThat(floats.resolve("quantize_config.json")).doesNotExist();
    assertThat(floats.resolve("hf_quant_config.json")).doesNotExist();
    assertThat(quant.run("inspect", floats)).isZero();
    assertThat(quant.out()).contains("fc.weight").doesNotContain("scale", "qweight", method);
    assertThat(quant.run("compare", model, floats)).isZero();
    assertThat(quant.out()).contains("the models are the same");

    assertThat(quant.run("quantize", model, "-o", out, "--requantize", "--min-elements", "0"))
        .as(quant.err())
        .isZero();
    assertThat(quant.err() + quant.out())
        .contains("1 weight by " + method + "@1 decoded and quantized again");
    assertThat(out.resolve("config.json")).content().contains("pack-quantized");
    assertThat(quant.run("verify", out)).isZero();

    Path direct = dir.resolve("direct");
    assertThat(quant.run("quantize", floats, "-o", direct, "--min-elements", "0")).isZero();
    assertThat(direct.resolve("model.safetensors"))
        .hasSameBinaryContentAs(out.resolve("model.safetensors"));

    assertThat(quant.run("quantize", floats, "-o", dir.resolve("x"), "--requantize")).isEqualTo(2);
    assertThat(quant.err()).contains("holds no quantized weights").contains("--requantize");
  }

  /** Codes of a scale in F32 are read again as F32, so that only those of the others are equal. */
  @ParameterizedTest
  @ValueSource(strings = {"gptq/int4", "fp8/e4m3", "modelopt/nvfp4"})
  void isConvertedWithoutRounding(String method) throws IOException {
    Path model = decodable(method);
    Path out = dir.resolve("out");
    assertThat(quant.run("convert", model, "-o", out)).as(quant.err()).isZero();
    assertThat(out.resolve("config.json"))
        .content()
        .contains("compressed-tensors", method.startsWith("gptq") ? "pack-quantized" : "float");
    assertThat(out.resolve("quantize_config.json")).doesNotExist();
    assertThat(out.resolve("hf_quant_config.json")).doesNotExist();
    assertThat(quant.run("verify", out)).isZero();
    assertThat(quant.run("compare", model, out)).isZero();
    assertThat(quant.out())
        .contains(method.startsWith("fp8") ? "tensors in common" : "the models are the same");

    assertThat(quant.run("convert", model, "-o", out)).isEqualTo(5);
    assertThat(quant.run("convert", model, "-o", out, "--force")).isZero();
    Path file = dir.resolve("own.safetensors");
    assertThat(quant.run("convert", model, "-o", file)).isZero();
    assertThat(quant.run("compare", model, file)).isZero();
    assertThat(quant.out()).contains("the models are the same");
  }

  @Test
  void isNotConvertedIfTheFormatCannotHoldItsCodes() throws IOException {
    Path model = Files.createDirectory(dir.resolve("model"));
    safetensors(model.resolve("model.safetensors"), "fc.weight I8 32x64 2048; fc.SCB F32 32 128");
    text(model.resolve("config.json"), "{'architectures':['LlamaForCausalLM']}");
    assertThat(quant.run("convert", model, "-o", dir.resolve("out"))).isEqualTo(2);
    assertThat(quant.err())
        .contains("cannot hold \"fc.weight\"", "bitsandbytes/int8", "quant quantize --requantize");

    safetensors(model.resolve("model.safetensors"), "fc.weight F32 4x16 256");
    assertThat(quant.run("convert", model, "-o", dir.resolve("out"))).isEqualTo(3);
    assertThat(quant.err()).contains("holds no quantized weights");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(dir)) {
      return all.sorted().toList();
    }
  }

  private static Path resource(String name, Path to) throws IOException {
    try (InputStream in = ForeignModelTest.class.getResourceAsStream("/foreign/" + name)) {
      Files.copy(Objects.requireNonNull(in), to);
    }
    return to;
  }

  private static void text(Path file, String json) throws IOException {
    Files.writeString(file, json.replace('\'', '"'));
  }

  /** Tensors of small numbers, such as {@code fc.weight F32 4x16 256}: name, type, shape, bytes. */
  private static Path safetensors(Path file, String tensors) throws IOException {
    StringBuilder header = new StringBuilder("{");
    int size = 0;
    for (String tensor : tensors.split(";", -1)) {
      String[] parts = tensor.strip().split(" ", -1);
      int end = size + Integer.parseInt(parts[3]);
      header
          .append(size == 0 ? "" : ",")
          .append('"' + parts[0] + "\":{\"dtype\":\"" + parts[1] + "\",\"shape\":[")
          .append(parts[2].replace('x', ','))
          .append("],\"data_offsets\":[" + size + "," + end + "]}");
      size = end;
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    while (bytes.hasRemaining()) {
      bytes.put((byte) (bytes.position() % 50));
    }
    return Files.write(file, bytes.array());
  }
}
