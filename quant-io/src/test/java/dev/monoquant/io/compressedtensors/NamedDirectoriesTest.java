package dev.monoquant.io.compressedtensors;

import static dev.monoquant.io.compressedtensors.NamedOutput.blocks;
import static dev.monoquant.io.compressedtensors.NamedOutput.integers;
import static dev.monoquant.io.compressedtensors.NamedOutput.weight;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.io.foreign.Awq;
import dev.monoquant.io.foreign.BitsAndBytes;
import dev.monoquant.io.foreign.Fp8;
import dev.monoquant.io.foreign.Gptq;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Directories in the layouts of DeepSeek, GPTQ and AWQ. */
class NamedDirectoriesTest {

  private static final DirectoryFormat FP8 = new Fp8Directory();
  private static final DirectoryFormat GPTQ = new GptqDirectory("gptq", Gptq.FIRST);
  private static final DirectoryFormat AWQ = new AwqDirectory();

  private static Map<String, byte[]> write(
      WeightLayout layout, EncodedTile all, Map<String, byte[]> whole) throws IOException {
    Map<String, byte[]> stored = new TreeMap<>();
    layout.tensors().forEach(t -> stored.put(t.name(), new byte[(int) t.bytes()]));
    WeightLayout.Writer writer =
        layout.writer(
            (tensor, offset, data) ->
                data.get(stored.get(tensor.name()), (int) offset, data.remaining()));
    writer.writeTile(all);
    writer.writeWhole(whole);
    return stored;
  }

  private static String hex(byte[] bytes, int from, int count) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes, from, from + count);
  }

  @Example
  void fp8IsAsDrawn() throws IOException {
    EncodedWeight weight =
        weight("M", ElementType.BFLOAT16, 4, 2, blocks(ElementType.BFLOAT16, 2, 2));
    Map<String, byte[]> parts = new LinkedHashMap<>();
    Part codes = weight.encoding().part(Part.CODES);
    parts.put(Part.CODES, codes.toBytes(1, -448, -0f, 0.5f, 2, 2, 2, 2));
    parts.put(Part.SCALE, weight.encoding().part(Part.SCALE).toBytes(0.5f, 3));
    Map<String, byte[]> stored = write(Fp8.layout(weight), new EncodedTile(0, 4, parts), Map.of());
    assertThat(stored).containsOnlyKeys("M.weight", "M.weight_scale_inv");
    assertThat(hex(stored.get("M.weight"), 0, 8)).isEqualTo("38 fe 80 30 40 40 40 40");
    assertThat(hex(stored.get("M.weight_scale_inv"), 0, 8)).isEqualTo("00 00 00 3f 00 00 40 40");
  }

  /** A symmetric weight whose second row has codes and scales, and whose other rows are 0. */
  private static Map<String, byte[]> second(EncodedWeight weight, byte[] codes, float... scales) {
    int columns = (int) weight.matrix().columnCount();
    int rows = (int) weight.matrix().rowCount();
    byte[] all = new byte[rows * columns];
    System.arraycopy(codes, 0, all, columns, columns);
    float[] cells = new float[rows * scales.length];
    System.arraycopy(scales, 0, cells, scales.length, scales.length);
    return Map.of(Part.CODES, all, Part.SCALE, weight.encoding().part(Part.SCALE).toBytes(cells));
  }

  @Example
  void gptqIsAsDrawn() throws IOException {
    EncodedWeight weight =
        weight("M", ElementType.FLOAT16, 32, 8, integers(4, ElementType.FLOAT16, 4, true));
    byte[] codes = {-7, 4, 2, 6, 1, -1, 2, 7};
    for (String format : List.of(Gptq.FIRST, Gptq.SECOND)) {
      Map<String, byte[]> stored =
          write(
              Gptq.layout(weight, format),
              new EncodedTile(0, 32, second(weight, codes, 1, 2)),
              Map.of());
      assertThat(stored).containsOnlyKeys("M.qweight", "M.qzeros", "M.scales", "M.g_idx");
      assertThat(hex(stored.get("M.qweight"), 0, 12))
          .isEqualTo("88 88 88 88 c1 ea 79 fa 88 88 88 88");
      assertThat(hex(stored.get("M.qzeros"), 28, 4))
          .isEqualTo(format.equals(Gptq.FIRST) ? "77 77 77 77" : "88 88 88 88");
      assertThat(hex(stored.get("M.scales"), 0, 6)).isEqualTo("00 00 00 3c 00 00");
      assertThat(hex(stored.get("M.scales"), 64, 6)).isEqualTo("00 00 00 40 00 00");
      assertThat(hex(stored.get("M.g_idx"), 12, 8)).isEqualTo("00 00 00 00 01 00 00 00");
    }
  }

  @Example
  void awqIsAsDrawn() throws IOException {
    EncodedWeight weight =
        weight("M", ElementType.FLOAT16, 8, 2, integers(4, ElementType.FLOAT16, 2, true));
    Map<String, byte[]> stored =
        write(
            Awq.layout(weight),
            new EncodedTile(0, 8, second(weight, new byte[] {-7, 4}, 2)),
            Map.of());
    assertThat(stored).containsOnlyKeys("M.qweight", "M.qzeros", "M.scales");
    assertThat(hex(stored.get("M.qweight"), 0, 8)).isEqualTo("88 88 81 88 88 88 8c 88");
    assertThat(hex(stored.get("M.qzeros"), 0, 4)).isEqualTo("88 88 88 88");
    assertThat(hex(stored.get("M.scales"), 0, 6)).isEqualTo("00 00 00 40 00 00");
  }

  @Example
  void nf4IsAsDrawn() throws IOException {
    EncodedWeight weight = NamedOutput.nf4("M", ElementType.FLOAT16, 1, 4, 2);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, new byte[] {0, 15, 7, 8});
    parts.put(Part.SCALE, weight.encoding().part(Part.SCALE).toBytes(2, 0.5f));
    byte[] levels = new byte[64];
    levels[3] = 7;
    WeightLayout layout = BitsAndBytes.layout(weight);
    Map<String, byte[]> stored =
        write(layout, new EncodedTile(0, 1, parts), Map.of("table", levels));
    String state = "M.weight.quant_state.bitsandbytes__nf4";
    assertThat(layout.tensors().stream().map(t -> t.name() + " " + t.shape()))
        .containsExactly(
            "M.weight [2, 1]", "M.weight.absmax [2]", "M.weight.quant_map [16]", state + " [74]");
    assertThat(hex(stored.get("M.weight"), 0, 2)).isEqualTo("0f 78");
    assertThat(hex(stored.get("M.weight.absmax"), 0, 8)).isEqualTo("00 00 00 40 00 00 00 3f");
    assertThat(stored.get("M.weight.quant_map")).isEqualTo(levels);
    assertThat(new String(stored.get(state), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"quant_type\": \"nf4\", \"blocksize\": 2, \"dtype\": \"float16\", \"shape\": [1, 4]}");
  }

  @Example
  void nf4OfExpertsAndOfOtherBlocksDoesNotFit() {
    DirectoryFormat format = new BitsAndBytesDirectory();
    ElementType type = ElementType.FLOAT16;
    EncodedWeight fits = NamedOutput.nf4("m.fc", type, 2, 8, 4);
    EncodedWeight other = NamedOutput.nf4("m.up", type, 2, 8, 8);
    assertThat(format.refusal(fits)).isEmpty();
    assertThat(format.refusal(NamedOutput.nf4("m.fc", type, 2, 6, 4)).orElseThrow())
        .contains("blocks of 4 do not divide its 6 inputs");
    assertThat(format.refusal(NamedOutput.nf4("m.experts.0.up", type, 2, 8, 4)).orElseThrow())
        .contains("a matrix of an expert");
    assertThat(format.refusal(weight("m", type, 32, 64, integers(4, type, 32, true))).orElseThrow())
        .contains("choose --scheme nf4");
    DirectoryContents contents = contents(List.of(fits), "lm_head", "m.experts.0.up_proj");
    JsonValue.Obj config = format.config(contents);
    assertThat(config.members().get("llm_int8_skip_modules").toString())
        .contains("lm_head", "m.experts.0.up_proj");
    assertThat(format.faults(root(config), contents.contents())).isEmpty();
    assertThat(format.faults(root(config), contents(List.of(fits), "m.gate").contents()))
        .hasSize(1);
    assertThatThrownBy(() -> format.config(contents(List.of(fits, other))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there are 4 and 8");
  }

  @Example
  void nvfp4OfModelOptIsAsDrawn() throws IOException {
    EncodedWeight weight = NamedOutput.nvfp4("M", ElementType.BFLOAT16, 1, 16);
    float[] codes = new float[16];
    codes[0] = 0.5f;
    codes[1] = -6;
    codes[3] = 1;
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, weight.encoding().part(Part.CODES).toBytes(codes));
    parts.put(Part.SCALE, weight.encoding().part(Part.SCALE).toBytes(1.5f));
    byte[] global = weight.encoding().part("global_scale").toBytes(0.25f);
    DirectoryFormat format = new ModelOptDirectory();
    WeightLayout layout = format.layout(weight);
    Map<String, byte[]> stored =
        write(layout, new EncodedTile(0, 1, parts), Map.of("global_scale", global));
    assertThat(layout.tensors().stream().map(t -> t.name() + " " + t.shape()))
        .containsExactly("M.weight [1, 8]", "M.weight_scale [1, 1]", "M.weight_scale_2 []");
    assertThat(hex(stored.get("M.weight"), 0, 2)).isEqualTo("f1 20");
    assertThat(hex(stored.get("M.weight_scale"), 0, 1)).isEqualTo("3c");
    assertThat(hex(stored.get("M.weight_scale_2"), 0, 4)).isEqualTo("00 00 80 3e");

    DirectoryContents contents = contents(List.of(weight), "lm_head");
    JsonValue.Obj config = format.config(contents);
    assertThat(format.faults(root(config), contents.contents())).isEmpty();
    assertThat(format.faults(root(config), contents(List.of(weight), "m.gate").contents()))
        .hasSize(1);
    assertThat(format.files(config)).containsOnlyKeys("hf_quant_config.json");
    assertThat(format.files(config).toString()).contains("producer", "NVFP4", "lm_head");
    assertThat(
            format
                .refusal(weight("m", ElementType.BFLOAT16, 4, 4, blocks(ElementType.FLOAT32, 2, 2)))
                .orElseThrow())
        .contains("is not NVFP4 in groups of 16");
  }

  @Property
  void partsAreReadAsTheyWereWritten(
      @ForAll("formats") DirectoryFormat format,
      @ForAll @IntRange(min = 1, max = 3) int words,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 0, max = 3) int width,
      @ForAll boolean symmetric,
      @ForAll long seed)
      throws IOException {
    int bits = format == AWQ ? 4 : List.of(2, 3, 4, 8).get(width);
    Encoding encoding =
        format == FP8
            ? blocks(ElementType.BFLOAT16, 32, 16)
            : integers(bits, ElementType.BFLOAT16, 32, symmetric);
    EncodedWeight weight = weight("m", ElementType.BFLOAT16, 32 * words, 32 * groups, encoding);
    assertThat(format.refusal(weight)).isEmpty();
    WeightLayout layout = format.layout(weight);
    EncodedTile all = EncodedSamples.tile(weight, seed);
    Map<String, byte[]> stored = write(layout, all, Map.of());
    int step = weight.encoding().rowAlignment();
    for (int row = 0; row < 32 * words; row += step) {
      RowRange rows = new RowRange(row, step);
      EncodedTile read =
          layout.read(rows, (t, o, n) -> ByteBuffer.wrap(stored.get(t.name()), (int) o, n).slice());
      EncodedTile expected = all.slice(weight.encoding(), rows);
      assertThat(read.names()).isEqualTo(expected.names());
      expected
          .names()
          .forEach(part -> assertThat(read.part(part)).as(part).isEqualTo(expected.part(part)));
    }
  }

  @Provide
  Arbitrary<DirectoryFormat> formats() {
    return Arbitraries.of(FP8, GPTQ, new GptqDirectory("gptq-v2", Gptq.SECOND), AWQ);
  }

  @Example
  void saysWhatDoesNotFit() {
    ElementType type = ElementType.BFLOAT16;
    assertThat(FP8.refusal(weight("m", type, 200, 128, blocks(type, 128, 128))).orElseThrow())
        .contains("blocks of 128 x 128 do not divide its 200 x 128 numbers");
    assertThat(FP8.refusal(weight("m", type, 64, 128, blocks(type, 128, 128)))).isEmpty();
    assertThat(FP8.refusal(weight("m", type, 32, 32, integers(8, type, 32, true))).orElseThrow())
        .contains("choose --scheme FP8_BLOCK");
    assertThat(GPTQ.refusal(weight("m", type, 40, 32, integers(4, type, 32, true))).orElseThrow())
        .contains("its 40 outputs are no multiple of 32");
    assertThat(GPTQ.refusal(weight("m", type, 32, 40, integers(4, type, 8, true))).orElseThrow())
        .contains("its 40 inputs are no multiple of 32");
    assertThat(GPTQ.refusal(weight("m", type, 32, 64, integers(5, type, 32, true))).orElseThrow())
        .contains("integers of 2, 3, 4 or 8 bits");
    assertThat(GPTQ.refusal(weight("m", type, 32, 64, integers(4, type, 48, true))).orElseThrow())
        .contains("groups of 48 do not divide its 64 inputs");
    assertThat(AWQ.refusal(weight("m", type, 32, 64, integers(8, type, 32, true))).orElseThrow())
        .contains("integers of 4 bits");
    assertThat(AWQ.refusal(weight("m", type, 12, 64, integers(4, type, 32, true))).orElseThrow())
        .contains("its 12 outputs are no multiple of 8");
  }

  private static DirectoryContents contents(List<EncodedWeight> weights, String... kept) {
    List<TensorInfo> floats =
        List.of(kept).stream()
            .map(
                name ->
                    new TensorInfo(name + ".weight", ElementType.BFLOAT16, TensorShape.of(4, 4)))
            .toList();
    List<Layer> layers = List.of();
    return new DirectoryContents(
        new OutputContents(layers, weights, floats, Optional.empty()),
        Set.of(),
        LoaderNames.of(new ModelConfig(new JsonValue.Obj(Map.of()))));
  }

  @Example
  void weightsOfSeveralKindsAreRefused() {
    ElementType type = ElementType.BFLOAT16;
    EncodedWeight a = weight("a", type, 32, 64, integers(4, type, 32, true));
    EncodedWeight b = weight("b", type, 32, 128, integers(4, type, 64, true));
    EncodedWeight c = weight("c", type, 32, 128, integers(8, type, 32, true));
    for (EncodedWeight other : List.of(b, c)) {
      assertThatThrownBy(() -> GPTQ.config(contents(List.of(a, other))))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("groups of one size for all weights: \"a.weight\" has 4 bits in");
    }
    EncodedWeight small = weight("a", type, 4, 4, blocks(type, 2, 2));
    EncodedWeight large = weight("b", type, 4, 4, blocks(type, 4, 4));
    assertThatThrownBy(() -> FP8.config(contents(List.of(small, large))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there are block:2x2 and block:4x4");
  }

  private static JsonValue.Obj root(JsonValue.Obj quantization) {
    return new JsonValue.Obj(Map.of("quantization_config", quantization));
  }

  @Example
  void listsTellQuantizedModulesFromOthers() {
    ElementType type = ElementType.BFLOAT16;
    Map<DirectoryFormat, Encoding> all =
        Map.of(
            FP8, blocks(type, 16, 16),
            GPTQ, integers(4, type, 32, true),
            AWQ, integers(4, type, 32, true));
    all.forEach(
        (format, encoding) -> {
          DirectoryContents contents =
              contents(
                  List.of(
                      weight("model.layers.1.mlp.up_proj", type, 32, 64, encoding),
                      weight("model.layers.11.mlp.up_proj", type, 32, 64, encoding)),
                  "lm_head",
                  "model.layers.1.mlp.router",
                  "model.layers.2.mlp.up_proj");
          JsonValue.Obj config = format.config(contents);
          assertThat(format.faults(root(config), contents.contents())).as(format.id()).isEmpty();

          DirectoryContents more =
              contents(contents.weights(), "lm_head", "model.layers.1.mlp.gate");
          assertThat(format.faults(root(config), more.contents()))
              .as(format.id())
              .singleElement()
              .asString()
              .contains("model.layers.1.mlp.gate", "is in float, and is taken for quantized");
          DirectoryContents swapped =
              contents(
                  List.of(weight("model.layers.2.mlp.up_proj", type, 32, 64, encoding)), "lm_head");
          assertThat(format.faults(root(config), swapped.contents()).get(0))
              .asString()
              .contains("model.layers.2.mlp.up_proj", "is quantized, and is not read so");
        });
    DirectoryContents part =
        contents(List.of(weight("m.gate_proj", type, 32, 64, all.get(AWQ))), "m.gate");
    assertThat(AWQ.faults(root(AWQ.config(part)), part.contents()))
        .singleElement()
        .asString()
        .contains("its name is a part of that of \"m.gate_proj\"");
  }

  @Example
  void gptqNamesWhatIsQuantizedWithinLayers() {
    ElementType type = ElementType.BFLOAT16;
    Encoding encoding = integers(4, type, 32, false);
    List<EncodedWeight> weights =
        List.of(
            weight("model.layers.0.mlp.up_proj", type, 32, 64, encoding),
            weight("model.layers.0.mlp.down_proj", type, 32, 64, encoding));
    JsonValue.Obj plain = GPTQ.config(contents(weights, "lm_head"));
    assertThat(plain.members())
        .doesNotContainKeys("dynamic", "modules_in_block_to_quantize")
        .containsEntry("sym", JsonValue.of(false))
        .containsEntry("group_size", JsonValue.Num.of(32))
        .containsEntry("lm_head", JsonValue.of(false));
    assertThat(GPTQ.files(plain)).containsExactly(Map.entry("quantize_config.json", plain));
    JsonValue.Obj some = GPTQ.config(contents(weights, "model.layers.0.mlp.router"));
    assertThat(some.members().get("modules_in_block_to_quantize").toString())
        .contains("mlp.down_proj", "mlp.up_proj");
    JsonValue.Obj layers = GPTQ.config(contents(weights, "model.layers.1.mlp.up_proj"));
    assertThat(layers.members())
        .containsKey("dynamic")
        .doesNotContainKey("modules_in_block_to_quantize");
    List<EncodedWeight> rows = List.of(weight("m", type, 32, 64, integers(8, type, 64, true)));
    assertThat(GPTQ.config(contents(rows)).members())
        .containsEntry("group_size", JsonValue.Num.of(-1))
        .containsEntry("sym", JsonValue.of(true));
  }
}
