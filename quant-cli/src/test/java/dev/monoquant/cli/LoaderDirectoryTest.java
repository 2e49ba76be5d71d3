package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Directories for vLLM and transformers: what stays in float there, and how loaders are told. */
class LoaderDirectoryTest {

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();
  private Path in = Path.of("");
  private Path out = Path.of("");

  @BeforeEach
  void model() throws IOException {
    in = Files.createDirectory(dir.resolve("in"));
    out = dir.resolve("out");
    Models.tensors(
        in.resolve("model.safetensors"),
        "model.embed_tokens_per_layer.weight 24x64; model.odd.weight 24x64;"
            + " model.layers.0.mlp.up_proj.weight 16x64; model.layers.0.mlp.down_proj.weight 64x16;"
            + " visual.blocks.0.fc.weight 16x64; embed_vision.embedding_projection.weight 16x64;"
            + " lm_head.weight 24x64");
    Files.writeString(
        in.resolve("config.json"), "{\"vocab_size\": 24, \"tie_word_embeddings\": false}");
  }

  private JsonObject config() throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("config.json")))
        .getAsJsonObject()
        .getAsJsonObject("quantization_config");
  }

  private List<String> ignored() throws IOException {
    return config().getAsJsonArray("ignore").asList().stream()
        .map(JsonElement::getAsString)
        .toList();
  }

  @Test
  void whatCouldBeATableAndTheHeadStayInFloatAndAreIgnored() throws IOException {
    assertThat(quant.run("quantize", in, "-o", out, "-v")).as(quant.err()).isZero();
    assertThat(ignored())
        .contains(
            "model.embed_tokens_per_layer",
            "model.odd",
            "lm_head",
            "re:(.*\\.)?lm_head$",
            "re:(.*\\.)?model\\.odd$")
        .noneMatch(entry -> entry.contains("embedding_projection") || entry.contains("blocks"));
    assertThat(quant.out())
        .contains("by its name; if it is a Linear, say so: --layer NAME=Linear")
        .contains("by its 24 rows, a vocabulary size in config.json")
        .contains("by-default: the head of a language model stays in float");
    assertThat(quant.run("verify", out)).as(quant.out()).isZero();
  }

  @Test
  void aLinkToADirectoryIsTheDirectory() throws IOException {
    Files.writeString(in.resolve("tokenizer.json"), "{}");
    Files.writeString(Files.createDirectory(in.resolve("assets")).resolve("a.txt"), "a");
    Path link = Files.createSymbolicLink(dir.resolve("link"), in);
    assertThat(quant.run("quantize", link, "-o", out)).as(quant.err()).isZero();
    assertThat(quant.out()).doesNotContain("left out");
    assertThat(out.resolve("tokenizer.json")).exists();
    assertThat(out.resolve("assets/a.txt")).exists();
    assertThat(quant.run("verify", out, "--against", link)).as(quant.out()).isZero();
  }

  @Test
  void aLayerMapOrARuleOverrulesBoth() throws IOException {
    assertThat(
            quant.run(
                "quantize",
                in,
                "-o",
                out,
                "--layer",
                "model.odd=Linear",
                "--layer",
                "lm_head=Linear"))
        .as(quant.err())
        .isZero();
    assertThat(ignored()).contains("model.embed_tokens_per_layer").doesNotContain("lm_head");
    assertThat(
            quant.run(
                "quantize",
                in,
                "-o",
                out,
                "--force",
                "--include",
                "*_proj",
                "--include",
                "lm_head"))
        .as(quant.err())
        .isZero();
    assertThat(ignored()).contains("visual.blocks.0.fc").doesNotContain("lm_head");
  }

  @Test
  void allLayersOrAllOfAKindDoNotNameTheHead() throws IOException {
    for (String pattern : List.of("*", "Linear")) {
      assertThat(quant.run("quantize", in, "-o", out, "--force", "--include", pattern)).isZero();
      assertThat(ignored()).contains("lm_head");
    }
    Path file = dir.resolve("out.safetensors");
    assertThat(quant.run("quantize", in, "-o", file)).isZero();
    assertThat(quant.out()).contains("quantized: 7 weights of 7 tensors");
  }

  @Test
  void severalGroupsAreFoundUnderTheNamesOfLoaders() throws IOException {
    Path recipe = dir.resolve("recipe.yaml");
    Files.writeString(
        recipe,
        """
        targets: [Linear]
        ignore: ["re:visual.*"]
        weights: {num_bits: 4, type: int, symmetric: true, strategy: group, group_size: 16}
        config_groups:
          careful:
            targets: ["re:.*down_proj"]
            weights: {num_bits: 8, strategy: channel}
        """);
    assertThat(quant.run("quantize", in, "-o", out, "--config", recipe)).as(quant.err()).isZero();
    assertThat(config().getAsJsonObject("config_groups").toString())
        .contains("\"model.layers.0.mlp.down_proj\"", "*layers\\\\.0\\\\.mlp\\\\.down_proj$");
    assertThat(ignored()).contains("visual.blocks.0.fc", "re:(.*\\.)?visual\\.blocks\\.0\\.fc$");
    assertThat(quant.run("verify", out)).as(quant.out()).isZero();
  }

  private void assertRefused(Path input, String... said) {
    assertThat(quant.run("quantize", input, "-o", out)).as(quant.out()).isEqualTo(3);
    assertThat(quant.err()).contains(said);
    assertThat(out).doesNotExist();
  }

  @Test
  void adaptersAreToBeMergedFirst() throws IOException {
    Files.writeString(in.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\"}");
    assertRefused(in, "adapter_config.json lies beside it", "Merge the adapter");
    Path adapter = Files.createDirectory(dir.resolve("adapter"));
    String names =
        "base_model.model.q_proj.lora_A.weight 8x64; base_model.model.q_proj.lora_B.weight 64x8";
    Models.tensors(adapter.resolve("adapter_model.safetensors"), names);
    assertRefused(adapter, "Merge the adapter");
    assertRefused(adapter.resolve("adapter_model.safetensors"), "Merge the adapter");
    Models.tensors(dir.resolve("odd.safetensors"), names);
    assertRefused(dir.resolve("odd.safetensors"), "Merge the adapter");
  }

  @Test
  void partsOfPipelinesAreNamedAndMadeAFile() throws IOException {
    Path pipe = Files.createDirectory(dir.resolve("pipe"));
    Files.writeString(pipe.resolve("model_index.json"), "{\"_class_name\": \"P\"}");
    for (String part : List.of("unet", "vae", "text_encoder")) {
      Path folder = Files.createDirectory(pipe.resolve(part));
      String name = part.equals("text_encoder") ? "model" : "diffusion_pytorch_model";
      Models.tensors(folder.resolve(name + ".safetensors"), "a.fc.weight 64x64; a.fc.bias 64");
      Models.tensors(folder.resolve(name + ".fp16.safetensors"), "a.fc.weight 64x64; a.fc.bias 64");
      Files.writeString(
          folder.resolve("config.json"),
          part.equals("text_encoder") ? "{\"model_type\": \"t\"}" : "{\"_class_name\": \"U\"}");
    }
    Files.createDirectory(pipe.resolve("scheduler"));
    assertRefused(pipe, "Name one of its parts: text_encoder, unet, vae.");
    assertRefused(pipe.resolve("unet"), "a diffusers pipeline (\"U\")", "named *.safetensors");
    Path file = dir.resolve("unet.safetensors");
    assertThat(quant.run("quantize", pipe.resolve("unet"), "-o", file)).as(quant.err()).isZero();
    assertThat(quant.run("quantize", pipe.resolve("text_encoder"), "-o", out)).isZero();
  }

  @Test
  void filesOfOtherProgramsAreNamed() throws IOException {
    Path mistral = Files.createDirectory(dir.resolve("mistral"));
    Models.tensors(mistral.resolve("consolidated.safetensors"), "layers.0.wq.weight 64x64");
    Files.writeString(mistral.resolve("params.json"), "{\"dim\": 64}");
    assertRefused(mistral, "consolidated files are in Mistral's own format");
    for (String name : List.of("m-q4_0.ggml", "model.onnx", "tf_model.h5", "saved_model.pb")) {
      Path other = Files.createDirectory(dir.resolve("other-" + name));
      Files.writeString(other.resolve(name), "x");
      assertRefused(other, "\"" + name + "\" is of ", "which is not read");
    }
  }

  @Test
  void aFileOfGgufIsNamedAsTheInput() throws IOException {
    Path folder = Files.createDirectory(dir.resolve("gguf"));
    Files.writeString(folder.resolve("m-q4_0-00002-of-00002.gguf"), "x");
    Files.writeString(folder.resolve("m-q4_0-00001-of-00002.gguf"), "x");
    assertRefused(
        folder, "give \"" + folder + "/m-q4_0-00001-of-00002.gguf\" instead of the directory");
  }

  @Test
  void aDirectoryWithoutAConfigurationSaysThatNoLoaderKnowsItsArchitecture() throws IOException {
    Files.delete(in.resolve("config.json"));
    assertThat(quant.run("quantize", in, "-o", out)).as(quant.err()).isZero();
    assertThat(quant.out() + quant.err())
        .contains("warning: " + in + ": there is no config.json in it");
    assertThat(quant.run("quantize", in, "-o", dir.resolve("x.safetensors"))).isZero();
    assertThat(quant.out() + quant.err()).doesNotContain("there is no config.json");
  }

  @Test
  void aSingleFileTakesItsConfigurationAndTokenizerAlong() throws IOException {
    Files.writeString(in.resolve("tokenizer.json"), "{}");
    Files.writeString(in.resolve("notes.txt"), "mine");
    Path file = in.resolve("model.safetensors");
    assertThat(quant.run("quantize", file, "-o", out)).as(quant.err()).isZero();
    assertThat(quant.out()).contains("taken along: config.json, tokenizer.json");
    assertThat(out.resolve("tokenizer.json")).exists();
    assertThat(out.resolve("notes.txt")).doesNotExist();
    assertThat(config().has("config_groups")).isTrue();
    assertThat(ignored()).contains("model.odd");
    assertThat(quant.run("verify", out, "--against", file)).as(quant.out()).isZero();
    Files.delete(in.resolve("config.json"));
    assertThat(quant.run("quantize", file, "-o", out, "--force")).isEqualTo(3);
    assertThat(quant.err()).contains("they need config.json", "*.safetensors");
  }

  @Test
  void anotherQuantizationBesideASingleFileIsNotDropped() throws IOException {
    Files.writeString(
        in.resolve("config.json"), "{\"quantization_config\": {\"quant_method\": \"gptq\"}}");
    assertRefused(in.resolve("model.safetensors"), "it is quantized already: by gptq");
  }

  @Test
  void whatLoadersInitialiseFromWeightsIsAWarning() throws IOException {
    Files.writeString(in.resolve("config.json"), "{\"model_type\": \"dinov2\"}");
    assertThat(quant.run("quantize", in, "-o", out, "--dry-run")).as(quant.err()).isZero();
    assertThat(quant.out()).contains("warning: ", "initialises the architecture \"dinov2\"");
    assertThat(quant.run("quantize", in, "-o", out, "--json")).isZero();
    assertThat(quant.out()).contains("\"warning\"", "the architecture \\\"dinov2\\\"");
    Files.writeString(
        in.resolve("config.json"),
        "{\"model_type\": \"llava\", \"vision_config\": {\"model_type\": \"siglip_vision_model\"}}");
    assertThat(quant.run("quantize", in, "-o", out, "--force")).isZero();
    assertThat(quant.out()).contains("its part \"siglip_vision_model\" (vision_config)");
    assertThat(quant.run("quantize", in, "-o", dir.resolve("x.safetensors"))).isZero();
    assertThat(quant.out()).doesNotContain("initialises");
  }

  @Test
  void weightsOfOtherProgramsStayBehindUnlessAskedFor() throws IOException {
    for (String name :
        List.of(
            "onnx/model.onnx",
            "model.traced.pt",
            "x.gguf",
            "model.fp16.safetensors",
            "2_Dense/pytorch_model.bin",
            "3_Dense/model.safetensors",
            "3_Dense/pytorch_model.bin")) {
      Files.createDirectories(in.resolve(name).getParent());
      Files.writeString(in.resolve(name), "12345678");
    }
    assertThat(quant.run("quantize", in, "-o", out)).as(quant.err()).isZero();
    assertThat(quant.out()).contains("left out: 5 files, 40 B", "carried over: 2 files, 16 B");
    assertThat(out.resolve("onnx")).doesNotExist();
    assertThat(out.resolve("2_Dense/pytorch_model.bin")).exists();
    assertThat(out.resolve("3_Dense/pytorch_model.bin")).doesNotExist();
    assertThat(quant.run("quantize", in, "-o", out, "--force", "--side-files", "all")).isZero();
    assertThat(out.resolve("onnx/model.onnx")).exists();
    assertThat(quant.run("verify", out)).as(quant.out()).isZero();
    assertThat(quant.run("quantize", in, "-o", out, "--force", "--side-files", "none")).isZero();
    assertThat(out.resolve("3_Dense")).doesNotExist();
    assertThat(out.resolve("config.json")).exists();
  }

  @Test
  void anIndexThatDisagreesIsDecidedByAnOption() throws IOException {
    Path model = Files.createDirectory(dir.resolve("shards"));
    Models.tensors(
        model.resolve("m-00001-of-00002.safetensors"), "a.fc.weight 64x64; b.fc.weight 64x64");
    Models.tensors(
        model.resolve("m-00002-of-00002.safetensors"), "c.fc.weight 64x64; d.fc.weight 64x64");
    Files.writeString(model.resolve("config.json"), "{}");
    Path index = model.resolve("model.safetensors.index.json");
    String map =
        "{'weight_map': {'a.fc.weight': 'm-00001-of-00002.safetensors',"
            + " 'b.fc.weight': 'm-00001-of-00002.safetensors',"
            + " 'c.fc.weight': 'm-00002-of-00002.safetensors'MORE}}";
    Files.writeString(index, map.replace("MORE", "").replace('\'', '"'));
    assertRefused(model, "d.fc.weight", "--option index=shards", "--option index=index");
    assertThat(quant.run("quantize", model, "-o", out, "--option", "index=index")).isZero();
    assertThat(quant.out())
        .contains(
            "quantized: 3 weights of 3", "left out, since the index does not name", "d.fc.weight");
    assertThat(quant.run("verify", out)).as(quant.out()).isZero();
    assertThat(quant.run("quantize", model, "-o", out, "--force", "--option", "index=shards"))
        .isZero();
    assertThat(quant.out()).contains("quantized: 4 weights of 4", "d.fc.weight");
    String more =
        ", 'd.fc.weight': 'm-00002-of-00002.safetensors', 'e': 'm-00003-of-00003.safetensors'";
    Files.writeString(index, map.replace("MORE", more).replace('\'', '"'));
    assertThat(quant.run("quantize", model, "-o", out, "--force")).isEqualTo(3);
    assertThat(quant.run("quantize", model, "-o", out, "--force", "--option", "index=shards"))
        .isZero();
    assertThat(quant.out()).contains("named by the index, and in no shard: \"e\"");
  }

  private static long bytesOfAllFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    }
  }

  private static JsonObject sideFile(JsonObject report, String name) {
    return report.getAsJsonArray("side_files").asList().stream()
        .map(JsonElement::getAsJsonObject)
        .filter(file -> file.get("name").getAsString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theSizeIsThatOfAllFilesAlsoInADryRunAndForTheGate() throws IOException {
    Files.createDirectories(in.resolve("onnx"));
    Files.write(in.resolve("onnx/model.onnx"), new byte[5000]);
    Files.write(in.resolve("tokenizer.json"), new byte[70_000]);
    assertThat(quant.run("quantize", in, "-o", out, "--dry-run", "--json")).isZero();
    JsonObject planned = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(quant.run("quantize", in, "-o", out, "--json")).as(quant.err()).isZero();
    JsonObject report = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(report.get("side_files")).isEqualTo(planned.get("side_files"));
    assertThat(report.get("whole_bytes_after").getAsLong())
        .isEqualTo(planned.get("whole_bytes_after").getAsLong())
        .isEqualTo(bytesOfAllFiles(out));
    assertThat(sideFile(report, "tokenizer.json").toString())
        .isEqualTo(
            "{\"name\":\"tokenizer.json\",\"bytes\":70000,\"fate\":\"carried\",\"reason\":\"\"}");
    assertThat(sideFile(report, "config.json").get("fate").getAsString()).isEqualTo("made");
    assertThat(sideFile(report, "onnx/model.onnx").toString())
        .isEqualTo(
            "{\"name\":\"onnx/model.onnx\",\"bytes\":5000,\"fate\":\"left-out\","
                + "\"reason\":\"weights for another program\"}");
    long before = report.get("bytes_before").getAsLong() + 70_000;
    assertThat(report.get("whole_bytes_before").getAsLong())
        .isEqualTo(before + in.resolve("config.json").toFile().length());
    assertThat(quant.run("quantize", in, "-o", out, "--force", "--max-size-ratio", 0.7))
        .isEqualTo(4);
    assertThat(quant.err()).contains("files beside the tensors included");
    assertThat(quant.run("quantize", in, "-o", out, "--force", "--table")).isZero();
    assertThat(quant.out()).contains("onnx/model.onnx").contains("all files: ");
  }

  @Test
  void whatAFileLeavesOutIsListedToo() throws IOException {
    Path file = dir.resolve("x.safetensors");
    assertThat(quant.run("quantize", in, "-o", file, "--json")).as(quant.err()).isZero();
    JsonObject report = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(sideFile(report, "config.json").get("reason").getAsString())
        .isEqualTo("the output is a single file");
    assertThat(report.get("whole_bytes_after").getAsLong()).isEqualTo(file.toFile().length());
  }

  private void model(String modelType, String tensors) throws IOException {
    Models.tensors(in.resolve("model.safetensors"), tensors);
    Files.writeString(in.resolve("config.json"), "{\"model_type\": \"" + modelType + "\"}");
  }

  @Test
  void ignoreHasTheNamesOfTheLoader() throws IOException {
    model(
        "vit",
        "vit.encoder.layer.0.intermediate.dense.weight 16x64;"
            + " vit.encoder.layer.0.output.dense.weight 64x16");
    assertThat(quant.run("quantize", in, "-o", out, "--exclude", "*.intermediate.dense"))
        .as(quant.err())
        .isZero();
    assertThat(ignored())
        .contains("vit.layers.0.mlp.fc1", "re:(.*\\.)?vit\\.layers\\.0\\.mlp\\.fc1$")
        .noneMatch(entry -> entry.contains("fc2"));
  }

  @Test
  void architecturesThatAreNotFollowedAreNamed() throws IOException {
    model("deepseek_v4", "layers.0.attn.wq_a.weight 16x64; layers.0.attn.wo_a.weight 64x16");
    assertThat(quant.run("quantize", in, "-o", out)).isZero();
    assertThat(quant.out()).doesNotContain("other names than the file");
    assertThat(quant.run("quantize", in, "-o", out, "--force", "--exclude", "*.wq_a")).isZero();
    assertThat(quant.out()).contains("layers of \"deepseek_v4\" other names than the file");
    model("radio", "blocks.0.attn.qkv.weight 192x64");
    assertThat(quant.run("quantize", in, "-o", out, "--force")).isZero();
    assertThat(quant.out()).contains("splits or merges matrices of \"radio\"");
  }

  @Test
  void aBiasOfLogitsIsNoHead() throws IOException {
    model(
        "bart",
        "model.shared.weight 24x64; final_logits_bias 1x24; model.decoder.layers.0.fc1.weight"
            + " 16x64");
    assertThat(quant.run("quantize", in, "-o", out)).as(quant.err()).isZero();
    assertThat(ignored()).contains("lm_head").noneMatch(entry -> entry.contains("final_logits"));
  }

  @Test
  void ignoreHasTheNamesOfVllmToo() throws IOException {
    model(
        "whisper",
        "model.decoder.layers.0.fc1.weight 16x64; model.decoder.layers.0.fc2.weight 64x16");
    assertThat(quant.run("quantize", in, "-o", out, "--exclude", "*.fc1")).as(quant.err()).isZero();
    assertThat(ignored())
        .contains("model.decoder.layers.0.fc1", "model.decoder.layers.0.mlp.fc1")
        .noneMatch(entry -> entry.contains("fc2"));
  }

  @Test
  void aPartOfAModelIsToldByItsName() throws IOException {
    Path part = dir.resolve("model-00001-of-00002.safetensors");
    Models.tensors(part, "a.weight 16x64");
    Path file = dir.resolve("x.safetensors");
    assertThat(quant.run("quantize", part, "-o", file)).as(quant.err()).isZero();
    assertThat(quant.out()).contains("this is part 1 of 2 of a model, and the others are not read");
    Path whole = dir.resolve("model-00001-of-00001.safetensors");
    Files.copy(part, whole);
    assertThat(quant.run("quantize", whole, "-o", file, "--force")).isZero();
    assertThat(quant.out()).doesNotContain("of a model, and the others");
  }
}
