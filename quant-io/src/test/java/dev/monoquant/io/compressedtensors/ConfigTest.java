package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written into config.json, and which weights are accepted. */
class ConfigTest {

  private static final List<String> EMB = List.of("emb", "re:(.*\\.)?emb$");

  @TempDir Path folder;

  private final CompressedTensorsOutput output = new CompressedTensorsOutput();
  private final CompressedTensorsFormat format = new CompressedTensorsFormat();

  static EncodedWeight weight(String layer, int bits, int group) {
    ElementType code = ElementType.code(bits, true);
    TensorInfo tensor =
        new TensorInfo(layer + ".weight", ElementType.FLOAT32, TensorShape.of(4, 8));
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int" + bits, 1),
        OptionValues.of(bits, true, group == 0 ? Granularity.CHANNEL : Granularity.group(group)),
        Encoding.affine(
            Part.perElement("codes", code),
            group == 0
                ? Part.perRow("scale", ElementType.FLOAT32)
                : Part.perGroup("scale", ElementType.FLOAT32, group)));
  }

  private static TensorInfo matrix(String name) {
    return new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(4, 8));
  }

  static Sample add(Sample sample, EncodedWeight weight) {
    return sample
        .quantize(weight)
        .layer(weight.matrix().layer(), LayerKind.LINEAR, weight.matrix().tensor());
  }

  private String write(Sample sample, String config) throws IOException {
    List<SideFile> sides = List.of();
    if (!config.isEmpty()) {
      Path side = folder.resolve("source/config.json");
      Files.createDirectories(side.getParent());
      Files.writeString(side, config);
      sides = List.of(new SideFile("config.json", side));
    }
    ModelSource source = sample.model().sideFiles(sides).build().open();
    sample.write(output, sample.request(folder.resolve("model"), true, source));
    Path written = folder.resolve("model/config.json");
    return Files.exists(written) ? Files.readString(written) : "";
  }

  private List<String> targets(String config, String group) {
    return JsonParser.parseString(config)
        .getAsJsonObject()
        .getAsJsonObject("quantization_config")
        .getAsJsonObject("config_groups")
        .getAsJsonObject(group)
        .getAsJsonArray("targets")
        .asList()
        .stream()
        .map(JsonElement::getAsString)
        .toList();
  }

  @Test
  void expertsHaveAGroupOfTheirOwnWhichARegexFinds() throws IOException {
    Sample sample = new Sample(1);
    for (String layer :
        List.of(
            "m.0.mlp.experts.0.up",
            "m.0.mlp.experts.1.up",
            "m.0.mlp.shared_experts.up",
            "m.0.attn.o")) {
      add(sample, weight(layer, layer.endsWith("o") ? 8 : 4, 0));
    }
    String config = write(sample, "");
    assertThat(targets(config, "group_0"))
        .contains("m.0.mlp.shared_experts.up")
        .noneMatch(t -> t.startsWith("re:") && t.contains("experts"))
        .anyMatch(t -> t.contains("shared_[e]xperts"));
    assertThat(targets(config, "group_1"))
        .isNotEmpty()
        .allMatch(t -> t.startsWith("re:") && t.contains("experts"))
        .allMatch(t -> "m.0.mlp.experts.1.up".matches(t.substring(3)))
        .noneMatch(t -> "m.0.mlp.shared_experts.up".matches(t.substring(3)));
    assertThat(targets(config, "group_2")).contains("m.0.attn.o");
  }

  @Test
  void oneGroupTargetsLinearAndNamesWhatStaysInFloat() throws IOException {
    Sample sample = add(new Sample(1), weight("b.fc", 4, 4));
    sample.keep(matrix("a.fc.weight")).layer("a.fc", LayerKind.LINEAR, matrix("a.fc.weight"));
    sample.keep(matrix("odd.weight")).layer("odd", LayerKind.UNKNOWN, matrix("odd.weight"));
    sample.keep(matrix("emb.weight")).layer("emb", LayerKind.EMBEDDING, matrix("emb.weight"));
    assertThat(write(sample, "{\"model_type\": \"\u00e9\", \"eps\": 1e-05}"))
        .isEqualTo(
            """
            {
              "eps": 1e-05,
              "model_type": "\\u00e9",
              "quantization_config": {
                "config_groups": {
                  "group_0": {
                    "format": "pack-quantized",
                    "targets": [
                      "Linear"
                    ],
                    "weights": {
                      "dynamic": false,
                      "group_size": 4,
                      "num_bits": 4,
                      "strategy": "group",
                      "symmetric": true,
                      "type": "int"
                    }
                  }
                },
                "format": "pack-quantized",
                "ignore": [
                  "a.fc",
                  "odd",
                  "emb",
                  "lm_head",
                  "re:(.*\\\\.)?a\\\\.fc$",
                  "re:(.*\\\\.)?odd$",
                  "re:(.*\\\\.)?emb$",
                  "re:(.*\\\\.)?lm_head$"
                ],
                "quant_method": "compressed-tensors",
                "quantization_status": "compressed"
              }
            }
            """);
  }

  @Test
  void anUntiedOrPresentHeadIsNotAdded() throws IOException {
    Sample sample = add(new Sample(1), weight("fc", 4, 4));
    sample.keep(matrix("emb.weight")).layer("emb", LayerKind.EMBEDDING, matrix("emb.weight"));
    assertThat(ignored(write(sample, "{\"tie_word_embeddings\": false}"))).isEqualTo(EMB);
    add(sample, weight("lm_head", 4, 4));
    assertThat(ignored(write(sample, "{}"))).isEqualTo(EMB);
  }

  @ParameterizedTest
  @CsvSource({
    "lm_head, , 4, bart",
    "proj_out, , 4, whisper",
    "vocab_projector, vocab_projector, 4, distilbert",
    "cls.predictions.decoder, cls.predictions cls.predictions.transform.dense, 4, bert",
    "lm_head.decoder, lm_head lm_head.dense, 4, roberta",
    "lm_head, some.norm, 7, llama"
  })
  void aTiedHeadIsNamedByTheBiasItLeaves(
      String head, @Nullable String biases, long size, String type) throws IOException {
    Sample sample = add(new Sample(1), weight("fc", 4, 4));
    sample.keep(matrix("emb.weight")).layer("emb", LayerKind.EMBEDDING, matrix("emb.weight"));
    for (String layer : biases == null ? new String[0] : biases.split(" ", -1)) {
      TensorInfo bias = new TensorInfo(layer + ".bias", ElementType.FLOAT32, TensorShape.of(size));
      sample.keep(bias).layer(layer, LayerKind.UNKNOWN, bias);
    }
    assertThat(ignored(write(sample, "{\"model_type\": \"" + type + "\"}"))).contains(head);
  }

  private static List<String> ignored(String config) {
    return JsonParser.parseString(config)
        .getAsJsonObject()
        .getAsJsonObject("quantization_config")
        .getAsJsonArray("ignore")
        .asList()
        .stream()
        .map(JsonElement::getAsString)
        .toList();
  }

  /** {@code weight_integer} of I-BERT, masks of pruning: the module is no plain Linear. */
  @ParameterizedTest
  @CsvSource({"weight_integer", "weight_mask", "parametrizations.weight.original1"})
  void aWeightBesideAnotherMatrixOfItsModuleStaysInFloat(String other) throws IOException {
    TensorInfo beside = matrix("a." + other);
    Sample sample = add(add(new Sample(1), weight("a", 8, 0)), weight("b", 8, 0)).keep(beside);
    try (ModelSource source = sample.model().build().open();
        OutputSession opened = output.open(source)) {
      assertThat(opened.unsupportedLayer(weight("a", 8, 0).matrix()))
          .hasValueSatisfying(
              reason -> assertThat(reason).contains("\"a." + other + "\"").contains("remove it"));
      assertThat(opened.unsupportedLayer(weight("b", 8, 0).matrix())).isEmpty();
    }
  }

  /** A vector beside a weight, such as the scales of SmoothQuant, leaves it a Linear. */
  @Test
  void aWeightBesideAVectorIsQuantized() throws IOException {
    TensorInfo vector = new TensorInfo("a.weight_norms", ElementType.FLOAT32, TensorShape.of(4));
    Sample sample = add(new Sample(1), weight("a", 8, 0)).keep(vector);
    try (ModelSource source = sample.model().build().open();
        OutputSession opened = output.open(source)) {
      assertThat(opened.unsupportedLayer(weight("a", 8, 0).matrix())).isEmpty();
    }
  }

  @Test
  void routersAreNamedToo() throws IOException {
    Sample sample = add(new Sample(1), weight("fc", 4, 4));
    sample.keep(matrix("mlp.gate.weight"));
    sample.layer("mlp.gate", LayerKind.ROUTER, matrix("mlp.gate.weight"));
    assertThat(ignored(write(sample, "{}"))).containsExactly("mlp.gate", "re:(.*\\.)?mlp\\.gate$");
  }

  @Test
  void severalGroupsNameTheirModules() throws IOException {
    Sample sample =
        add(add(add(new Sample(2), weight("c", 4, 4)), weight("a", 4, 4)), weight("b", 8, 0));
    String config = write(sample, "");
    assertThat(config)
        .contains("\"group_0\"", "\"group_1\"")
        .contains(
            """
                    "targets": [
                      "a",
                      "c",
                      "re:(.*\\\\.)?a$",
                      "re:(.*\\\\.)?c$"
                    ],
            """
                .stripTrailing())
        .doesNotContain("Linear");
    try (ModelSource source =
        format.open(ModelInput.of(folder.resolve("model")), ReadLimits.DEFAULT)) {
      assertThat(source.info().quantized())
          .extracting(
              w -> w.matrix().layer() + " " + w.scheme() + " " + w.options().granularity().wire())
          .containsExactlyInAnyOrder("a int4@1 group:4", "b int8@1 channel", "c int4@1 group:4");
    }
  }

  @Test
  void nothingQuantizedLeavesNoConfigBehind() throws IOException {
    Sample sample = new Sample(3).keep(matrix("a.weight"));
    assertThat(write(sample, "")).isEmpty();
    assertThat(write(sample, "{\"b\":1}")).isEqualTo("{\"b\":1}");
    assertThat(write(sample, "{\"b\":1,\"quantization_config\":{\"quant_method\":\"x\"}}"))
        .isEqualTo("{\n  \"b\": 1\n}\n");
  }

  @Test
  void onlyPackableLinearWeightsAreAccepted() {
    EncodedWeight good = weight("fc", 4, 4);
    assertThat(whyNot(good)).isEmpty();
    WeightMatrix r = good.matrix();
    assertRefused(
        rows(good, new WeightMatrix("fc", LayerKind.EMBEDDING, "weight", r.tensor(), 0)),
        "tables of words");
    assertRefused(
        rows(good, new WeightMatrix("fc", LayerKind.LINEAR, "weight", r.tensor(), 1)), "axis 1");
    assertRefused(
        rows(good, new WeightMatrix("", LayerKind.LINEAR, "weight", matrix("weight"), 0)),
        "MODULE.weight");
    Part codes = Part.perElement("codes", ElementType.INT4);
    Part scale = Part.perRow("scale", ElementType.FLOAT32);
    assertRefused(encoding(good, Part.perElement("values", ElementType.FLOAT16)), "signed integer");
    assertRefused(encoding(good, Part.perElement("codes", ElementType.UINT4), scale), "signed");
    assertRefused(encoding(good, Part.perElement("codes", ElementType.FLOAT8_E5M2), scale), "E4M3");
    assertThat(whyNot(encoding(good, Part.perElement("codes", ElementType.FLOAT8_E4M3), scale)))
        .isEmpty();
    assertRefused(
        encoding(good, codes, Part.perGroup("scale", ElementType.FLOAT8_E8M0, 4)),
        "signed integer");
    assertRefused(encoding(good, codes, scale, Part.perRow("more", ElementType.INT8)), "signed");
    assertRefused(encoding(good, codes, Part.perGroup("scale", ElementType.FLOAT32, 3)), "divide");
    assertRefused(
        encoding(good, codes, new Part("scale", ElementType.FLOAT32, new Part.Grid(2, 4))),
        "each row");
    assertRefused(
        encoding(good, codes, scale, Part.perRow("zero_point", ElementType.INT8)), "zero points");
  }

  private static EncodedWeight rows(EncodedWeight weight, WeightMatrix rows) {
    return new EncodedWeight(rows, weight.scheme(), weight.options(), weight.encoding());
  }

  private static EncodedWeight encoding(EncodedWeight weight, Part... parts) {
    return new EncodedWeight(
        weight.matrix(), weight.scheme(), weight.options(), Encoding.conventional(List.of(parts)));
  }

  private Optional<String> whyNot(EncodedWeight weight) {
    try {
      return Request.unsupported(output, new Sample(0).source(), weight);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertRefused(EncodedWeight weight, String reason) {
    assertThat(whyNot(weight)).hasValueSatisfying(r -> assertThat(r).contains(reason));
  }

  @Test
  void namesWithoutAnExtensionAreDirectories() {
    assertThat(output.accepts(Path.of("out/Llama-3.1-8B-int4"))).isTrue();
    assertThat(output.accepts(Path.of("out/model"))).isTrue();
    assertThat(output.accepts(Path.of("out/model.safetensors"))).isFalse();
    assertThat(output.accepts(Path.of("out/model.pt"))).isFalse();
    assertThat(output.accepts(folder)).isTrue();
  }

  @Test
  void aDirectoryThatAnotherFormatHasMadeIsNotClaimed() throws IOException {
    Path other = Files.createDirectory(folder.resolve("model.slabs"));
    assertThat(output.accepts(other)).isTrue();
    Files.createFile(other.resolve("monoquant-manifest.json"));
    assertThat(output.accepts(other)).isFalse();
    Files.createFile(other.resolve("model.safetensors"));
    assertThat(output.accepts(other)).isTrue();
  }

  /** Other programs quantize tables too. */
  @Test
  void aTableIsDecodedByTheGroupOfTables() throws IOException {
    EncodedWeight table = weight("m.embed_tokens", 8, 0);
    Sample sample =
        new Sample(4)
            .quantize(table)
            .layer("m.embed_tokens", LayerKind.LINEAR, table.matrix().tensor());
    add(sample, weight("m.fc", 4, 0));
    write(sample, "");
    Path config = folder.resolve("model/config.json");
    Files.writeString(
        config,
        """
        {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {
          "a": {"targets": ["Linear"], "weights": {"num_bits": 4, "strategy": "channel"}},
          "b": {"targets": ["Embedding"], "weights": {"num_bits": 8, "strategy": "channel"}}}}}
        """);
    try (ModelSource source =
        format.open(ModelInput.of(folder.resolve("model")), ReadLimits.DEFAULT)) {
      assertThat(source.info().quantized())
          .extracting(w -> w.matrix().layer() + " " + w.scheme())
          .containsExactlyInAnyOrder("m.embed_tokens int8@1", "m.fc int4@1");
    }
  }
}
