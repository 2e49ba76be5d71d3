package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of activations in config.json, the form that follows, and the shared scales. */
class ActivationsTest {

  private static final ActivationQuantization STATIC =
      new ActivationQuantization(
          8, NumberType.FLOAT, Strategy.TENSOR, OptionalInt.empty(), true, Dynamic.NO);

  @TempDir private Path folder;
  private final CompressedTensorsOutput output = new CompressedTensorsOutput();

  private static EncodedWeight weight(String layer, Encoding encoding, Granularity granularity) {
    TensorInfo tensor =
        new TensorInfo(layer + ".weight", ElementType.BFLOAT16, TensorShape.of(4, 64));
    int bits = encoding.parts().get(0).type().bits();
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("any", 1),
        OptionValues.of(bits, true, granularity),
        encoding);
  }

  private static EncodedWeight int8(String layer) {
    return weight(
        layer,
        Encoding.affine(
            Part.perElement("codes", ElementType.INT8), Part.perRow("scale", ElementType.BFLOAT16)),
        Granularity.CHANNEL);
  }

  private static EncodedWeight fp8(String layer) {
    return weight(
        layer,
        Encoding.affine(
            Part.perElement("codes", ElementType.FLOAT8_E4M3),
            Part.perBlock("scale", ElementType.BFLOAT16, 2, 32)),
        Granularity.block(2, 32));
  }

  private static EncodedWeight nvfp4(String layer) {
    return weight(
        layer,
        new Encoding(
            List.of(
                Part.perElement("codes", ElementType.FLOAT4),
                Part.perGroup("scale", ElementType.FLOAT8_E4M3, 16),
                Part.perTensor("global_scale", ElementType.FLOAT32)),
            new Formula.Affine(
                "codes",
                List.of(Formula.Factor.times("scale"), Formula.Factor.over("global_scale")),
                Optional.empty())),
        Granularity.group(16));
  }

  private Path write(Optional<ActivationQuantization> cache, EncodedWeight... weights)
      throws IOException {
    Sample sample = new Sample(1);
    for (EncodedWeight weight : weights) {
      sample
          .quantize(weight)
          .layer(weight.matrix().layer(), LayerKind.LINEAR, weight.matrix().tensor());
    }
    Path target = folder.resolve("model");
    OutputContents all = sample.contents(Optional.empty());
    OutputContents contents =
        new OutputContents(all.layers(), all.weights(), all.kept(), all.provenance(), cache);
    sample.write(
        output,
        new Request(sample.source(), contents, new WriteOptions(target, true, false, false)));
    return target;
  }

  private static String config(Path model) throws IOException {
    return Files.readString(model.resolve("config.json")).replaceAll("\\s+", "");
  }

  private static void requireNoErrors(Path model, EncodedWeight... weights) throws IOException {
    try (ModelSource source =
        new CompressedTensorsFormat().open(ModelInput.of(model), ReadLimits.DEFAULT)) {
      Map<String, EncodedWeight> read = new LinkedHashMap<>();
      source.info().quantized().forEach(w -> read.put(w.name(), w));
      for (EncodedWeight weight : weights) {
        EncodedWeight other = read.get(weight.name());
        assertThat(other.activations()).as(weight.name()).isEqualTo(weight.activations());
        assertThat(other.encoding()).isEqualTo(weight.encoding());
        assertThat(other.options()).isEqualTo(weight.options());
      }
    }
  }

  @Test
  void integersWhoseInputsAreQuantizedAreStoredInBytes() throws IOException {
    EncodedWeight weight =
        int8("fc").withActivations(Optional.of(ActivationQuantization.perToken(8, NumberType.INT)));
    Path model = write(Optional.empty(), weight);
    assertThat(config(model))
        .contains(
            "\"group_0\":{\"format\":\"int-quantized\",\"input_activations\":{\"dynamic\":true,"
                + "\"num_bits\":8,\"strategy\":\"token\",\"symmetric\":true,\"type\":\"int\"},"
                + "\"targets\":[\"Linear\"],\"weights\":{\"dynamic\":false,\"num_bits\":8,"
                + "\"strategy\":\"channel\",\"symmetric\":true,\"type\":\"int\"}}},"
                + "\"format\":\"int-quantized\"")
        .doesNotContain("kv_cache_scheme");
    assertThat(PlainSafetensors.read(model.resolve("model.safetensors")).tensors())
        .containsOnlyKeys("fc.weight", "fc.weight_scale");
    requireNoErrors(model, weight);
  }

  @Test
  void severalFormsAreMixedPrecision() throws IOException {
    EncodedWeight blocks =
        fp8("a").withActivations(Optional.of(ActivationQuantization.perGroup(8, 32)));
    EncodedWeight groups =
        nvfp4("b").withActivations(Optional.of(ActivationQuantization.perGroup(4, 16)));
    EncodedWeight alone = fp8("c");
    Path model = write(Optional.empty(), blocks, groups, alone, int8("d"));
    assertThat(config(model))
        .contains(
            "\"format\":\"float-quantized\",\"input_activations\":{\"dynamic\":true,"
                + "\"group_size\":32,\"num_bits\":8,\"strategy\":\"group\","
                + "\"symmetric\":true,\"type\":\"float\"}",
            "\"format\":\"nvfp4-pack-quantized\",\"input_activations\":{\"dynamic\":true,"
                + "\"group_size\":16,\"num_bits\":4,\"scale_dtype\":\"torch.float8_e4m3fn\","
                + "\"strategy\":\"group\"",
            "\"format\":\"naive-quantized\",\"targets\":[\"c\"",
            "\"weights\":{\"block_structure\":[2,32],\"dynamic\":false,\"num_bits\":8,"
                + "\"strategy\":\"block\",\"symmetric\":true,\"type\":\"float\"}",
            "\"weights\":{\"dynamic\":false,\"group_size\":16,\"num_bits\":4,"
                + "\"scale_dtype\":\"torch.float8_e4m3fn\",\"strategy\":\"tensor_group\"",
            "\"format\":\"pack-quantized\",\"targets\":[\"d\"",
            "\"format\":\"mixed-precision\"");
    requireNoErrors(model, blocks, groups, alone, int8("d"));
  }

  @Test
  void inputsThatAreNotDynamicHaveTheirScale() throws IOException {
    EncodedWeight tensor =
        fp8("a").withActivations(Optional.of(STATIC.withScale(Optional.of(0.5f))));
    EncodedWeight other = fp8("b").withActivations(Optional.of(STATIC.withScale(Optional.of(2f))));
    EncodedWeight local =
        nvfp4("c")
            .withActivations(
                Optional.of(
                    new ActivationQuantization(
                        4,
                        NumberType.FLOAT,
                        Strategy.TENSOR_GROUP,
                        OptionalInt.of(16),
                        true,
                        Dynamic.LOCAL,
                        Optional.of(300.5f))));
    Path model = write(Optional.empty(), tensor, other, local);
    assertThat(config(model))
        .contains(
            "\"input_activations\":{\"dynamic\":false,\"num_bits\":8,\"strategy\":\"tensor\",",
            "\"input_activations\":{\"dynamic\":\"local\",\"group_size\":16,")
        .contains("group_1")
        .doesNotContain("group_2");
    Map<String, PlainSafetensors.Entry> tensors =
        PlainSafetensors.read(model.resolve("model.safetensors")).tensors();
    assertThat(tensors.get("a.input_scale").bytes()).containsExactly(0x00, 0x3f);
    assertThat(tensors.get("b.input_scale").bytes()).containsExactly(0x00, 0x40);
    assertThat(tensors.get("c.input_global_scale").bytes()).containsExactly(0x00, 0x40, 0x96, 0x43);
    requireNoErrors(model, tensor, other, local);
  }

  @Test
  void scalesThatAreMissingOrBeyondTheTypeAreRefused() {
    assertThat(ModuleWeight.refusal(fp8("a").withActivations(Optional.of(STATIC))).orElseThrow())
        .contains("with scales of their own");
    ActivationQuantization tiny = STATIC.withScale(Optional.of(Float.MIN_VALUE));
    assertThat(ModuleWeight.refusal(fp8("a").withActivations(Optional.of(tiny))).orElseThrow())
        .contains("the scale 1.4E-45 of its inputs is beyond the range of BF16");
  }

  @Test
  void theCacheHasItsSchemeAndAScaleOfOneForEachLayerThatHasOne() throws IOException {
    Path model =
        write(
            Optional.of(STATIC),
            int8("model.layers.0.self_attn.k_proj"),
            int8("model.layers.0.self_attn.v_proj"),
            int8("visual.blocks.0.attn.k_proj"),
            int8("visual.blocks.0.attn.v_proj"),
            int8("model.layers.0.mlp.up_proj"));
    assertThat(config(model))
        .contains(
            "\"kv_cache_scheme\":{\"dynamic\":false,\"num_bits\":8,\"strategy\":\"tensor\","
                + "\"symmetric\":true,\"type\":\"float\"}");
    try (ModelSource source =
        new CompressedTensorsFormat().open(ModelInput.of(model), ReadLimits.DEFAULT)) {
      assertThat(source.info().notes())
          .containsExactly(
              "loaders quantize keys and values: float8 tensor static (kv_cache_scheme)",
              "scales of keys and values, 2 tensors, belong to kv_cache_scheme; no output has them"
                  + " unless it quantizes keys and values, too");
      // Else a second output with such a cache would have two tensors of one name.
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .noneMatch(name -> name.endsWith("k_scale") || name.endsWith("v_scale"));
    }
    Map<String, PlainSafetensors.Entry> tensors =
        PlainSafetensors.read(model.resolve("model.safetensors")).tensors();
    assertThat(
            tensors.keySet().stream().filter(n -> n.endsWith("k_scale") || n.endsWith("v_scale")))
        .containsExactlyInAnyOrder(
            "model.layers.0.self_attn.k_scale", "model.layers.0.self_attn.v_scale");
    assertThat(tensors.get("model.layers.0.self_attn.k_scale"))
        .isEqualTo(new PlainSafetensors.Entry("BF16", "[1]", new byte[] {(byte) 0x80, 0x3f}));
  }

  @Test
  void inputsThatNeedScalesAreRefused() throws IOException {
    EncodedWeight weight = fp8("fc").withActivations(Optional.of(STATIC));
    assertThat(Request.unsupported(output, new Sample(1).source(), weight))
        .hasValueSatisfying(reason -> assertThat(reason).contains("static", "there are none"));
  }

  /** Other programs say what is not known here; weights are decoded all the same. */
  @Test
  void activationsThatAreNotKnownKeepNoWeightFromBeingRead() throws IOException {
    Path model = write(Optional.empty(), int8("fc"));
    Path config = model.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace(
                "\"targets\"",
                "\"input_activations\": {\"strategy\": \"attn_head\", \"num_bits\": 8},"
                    + " \"targets\""));
    requireNoErrors(model, int8("fc"));
  }

  @Test
  void layersThatLoadersMergeShareTheGlobalScale() throws IOException {
    EncodedWeight q = nvfp4("a.q_proj");
    EncodedWeight k = nvfp4("a.k_proj");
    EncodedWeight first = nvfp4("m.experts.0.up_proj");
    EncodedWeight second = nvfp4("m.experts.1.up_proj");
    assertThat(writeScaled(q, k, 2, 2)).isDirectory();
    assertThat(writeScaled(first, second, 2, 3)).isDirectory();
    assertThatThrownBy(() -> writeScaled(q, k, 2, 3))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("a.(q_proj|k_proj)")
        .hasMessageContaining("different global scales");
    assertThat(folder.resolve(q.name() + "2.03.0")).doesNotExist();
    assertThat(folder.resolve(q.name() + "2.02.0")).exists();
    EncodedWeight up = nvfp4("m.experts.2.up_proj");
    EncodedWeight gate = nvfp4("m.experts.2.gate_proj");
    assertThatThrownBy(() -> writeScaled(up, gate, 2, 3))
        .hasMessageContaining("different global scales");
  }

  private Path writeScaled(EncodedWeight a, EncodedWeight b, float scaleOfA, float scaleOfB)
      throws IOException {
    Path target = folder.resolve(a.name() + scaleOfA + scaleOfB);
    Sample sample = new Sample(1).quantize(a).quantize(b);
    Request request =
        new Request(
            sample.source(),
            sample.contents(Optional.empty()),
            new WriteOptions(target, true, false, false));
    try (OutputWriter writer = request.open(output)) {
      for (EncodedWeight weight : List.of(a, b)) {
        Map<String, byte[]> parts = new LinkedHashMap<>(sample.weights.get(weight));
        Part global = weight.encoding().part("global_scale");
        byte[] scale = global.toBytes(weight.equals(a) ? scaleOfA : scaleOfB);
        parts.remove("global_scale");
        writer.writeTile(weight, new EncodedTile(0, 4, parts));
        writer.writeWhole(weight, Map.of("global_scale", scale));
      }
      writer.commit();
    }
    return target;
  }
}
