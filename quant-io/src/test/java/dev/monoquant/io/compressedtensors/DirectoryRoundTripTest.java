package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** Random directories are written, compared with a plain packer, and read back. */
@AddLifecycleHook(Sweep.class)
class DirectoryRoundTripTest {

  private final CompressedTensorsOutput output = new CompressedTensorsOutput();
  private Path folder;

  @BeforeTry
  void makeFolder() throws IOException {
    folder = Folders.make();
  }

  @AfterTry
  void removeFolder() throws IOException {
    Folders.delete(folder);
  }

  @Property(tries = 150)
  void everythingComesBack(@ForAll long seed) throws IOException {
    Sample sample = random(seed);
    Path target = folder.resolve("model");
    ModelSource source = source(sample);
    Request request = sample.request(target, false, source);
    long predicted = request.bytes(output);

    List<Path> written = sample.write(output, request);

    Set<String> shards = new TreeSet<>();
    sample.kept.keySet().forEach(t -> shards.add(t.shard()));
    sample.weights.keySet().forEach(w -> shards.add(w.matrix().tensor().shard()));
    Set<String> files =
        shards.size() > 1 ? new TreeSet<>(shards) : new TreeSet<>(Set.of("model.safetensors"));
    assertThat(files.stream().mapToLong(f -> target.resolve(f).toFile().length()).sum())
        .isEqualTo(predicted);
    files.add("config.json");
    files.add("tokenizer.json");
    files.add("monoquant-manifest.json");
    if (shards.size() > 1) {
      files.add("model.safetensors.index.json");
    }
    assertThat(Folders.names(folder)).containsExactly("model", "side");
    assertThat(Folders.names(target)).containsExactlyElementsOf(files);
    assertThat(written)
        .containsExactlyInAnyOrderElementsOf(files.stream().map(target::resolve).toList());
    assertThat(Files.readString(target.resolve("tokenizer.json"))).isEqualTo("not even json");
    comparePlain(sample, target, shards.size() > 1);
    compare(sample, target);
  }

  @Property(tries = 20)
  void theBytesDependOnNoOrder(@ForAll long seed) throws IOException {
    Sample sample = random(seed);
    sample.write(output, sample.request(folder.resolve("one"), false, source(sample)));
    sample.write(output, sample.request(folder.resolve("two"), false, source(sample)));
    assertThat(Folders.contents(folder.resolve("one")))
        .isEqualTo(Folders.contents(folder.resolve("two")));
  }

  private ModelSource source(Sample sample) throws IOException {
    Path side = Files.createDirectories(folder.resolve("side"));
    Files.writeString(side.resolve("config.json"), "{\"z\": NaN, \"a\": 1.50}");
    Files.writeString(side.resolve("tokenizer.json"), "not even json");
    return sample
        .model()
        .sideFiles(
            List.of(
                new SideFile("config.json", side.resolve("config.json")),
                new SideFile("tokenizer.json", side.resolve("tokenizer.json"))))
        .build()
        .open();
  }

  private static void comparePlain(Sample sample, Path target, boolean sharded) throws IOException {
    Map<String, PlainSafetensors.Entry> expected = new TreeMap<>();
    sample.kept.forEach(
        (t, bytes) ->
            expected.put(
                t.name(),
                new PlainSafetensors.Entry(t.type().wire(), t.shape().toString(), bytes)));
    sample.weights.forEach((weight, parts) -> expected.putAll(PlainPacking.pack(weight, parts)));
    Map<String, PlainSafetensors.Entry> actual = new TreeMap<>();
    Map<String, String> places = new TreeMap<>();
    long total = 0;
    for (String file : Folders.names(target)) {
      if (file.endsWith(".safetensors")) {
        PlainSafetensors plain = PlainSafetensors.read(target.resolve(file));
        actual.putAll(plain.tensors());
        for (Map.Entry<String, PlainSafetensors.Entry> e : plain.tensors().entrySet()) {
          places.put(e.getKey(), file);
          total += e.getValue().bytes().length;
        }
      }
    }
    assertThat(actual).isEqualTo(expected);
    if (sharded) {
      JsonObject index =
          JsonParser.parseString(Files.readString(target.resolve("model.safetensors.index.json")))
              .getAsJsonObject();
      assertThat(index.getAsJsonObject("metadata").get("total_size").getAsLong()).isEqualTo(total);
      Map<String, String> map = new TreeMap<>();
      index.getAsJsonObject("weight_map").asMap().forEach((k, v) -> map.put(k, v.getAsString()));
      assertThat(map).isEqualTo(places);
    }
  }

  private static void compare(Sample sample, Path target) throws IOException {
    CompressedTensorsFormat format = new CompressedTensorsFormat();
    ModelInput input = ModelInput.of(target);
    if (sample.weights.isEmpty()) {
      assertThat(format.probe(input)).isEqualTo(Match.NONE);
      assertThat(Files.readString(target.resolve("config.json")))
          .isEqualTo("{\"z\": NaN, \"a\": 1.50}");
      return;
    }
    assertThat(format.probe(input)).isEqualTo(Match.CERTAIN);
    assertThat(Files.readString(target.resolve("config.json")))
        .startsWith("{\n  \"a\": 1.50,\n  \"quantization_config\": {\n    \"config_groups\"")
        .endsWith("  },\n  \"z\": NaN\n}\n");
    try (ModelSource source = format.open(input, ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors().stream().map(TensorInfo::name).toList())
          .containsExactlyInAnyOrderElementsOf(
              sample.kept.keySet().stream().map(TensorInfo::name).toList());
      assertThat(source.info().quantized()).hasSameSizeAs(sample.weights.keySet());
      for (EncodedWeight original : sample.weights.keySet()) {
        EncodedWeight read =
            source.info().quantized().stream()
                .filter(w -> w.name().equals(original.name()))
                .findFirst()
                .orElseThrow();
        compareTiles(sample, source, original, read);
      }
    }
  }

  private static void compareTiles(
      Sample sample, ModelSource source, EncodedWeight original, EncodedWeight read)
      throws IOException {
    assertThat(read.encoding()).isEqualTo(original.encoding());
    assertThat(read.options()).isEqualTo(original.options());
    assertThat(read.scheme()).isEqualTo(original.scheme());
    assertThat(read.matrix().tensor().shape()).isEqualTo(original.matrix().tensor().shape());
    Map<String, byte[]> parts = sample.weights.get(original);
    int step = (1 + sample.random().nextInt(9)) * read.encoding().rowAlignment();
    for (long row = 0; row < read.matrix().rowCount(); row += step) {
      int height = (int) Math.min(step, read.matrix().rowCount() - row);
      EncodedTile expected = Sample.tile(original, parts, row, height);
      EncodedTile actual = source.readTile(read, new RowRange(row, height));
      assertThat(actual.names()).isEqualTo(parts.keySet());
      for (String name : actual.names()) {
        byte[] cells = expected.names().contains(name) ? expected.part(name) : parts.get(name);
        assertThat(actual.part(name)).as(name).isEqualTo(cells);
      }
    }
  }

  /** Packs bit by bit and by columns, without a look at the code under test. */
  static final class PlainPacking {
    private PlainPacking() {}

    static Map<String, PlainSafetensors.Entry> pack(
        EncodedWeight weight, Map<String, byte[]> parts) {
      Map<String, PlainSafetensors.Entry> out = new TreeMap<>();
      String module = weight.matrix().layer();
      int rows = (int) weight.matrix().rowCount();
      int cols = (int) weight.matrix().columnCount();
      Part codePart = weight.encoding().part("codes");
      Part scale = weight.encoding().part("scale");
      long[] scaleShape = scale.shape(rows, cols).dims();
      String scaleType = scale.type() == ElementType.FLOAT8_E8M0 ? "U8" : scale.type().wire();
      out.put(module + ".weight_scale", entry(scaleType, parts.get("scale"), scaleShape));
      if (parts.containsKey("global_scale")) {
        out.put(module + ".weight_global_scale", entry("F32", parts.get("global_scale"), 1));
      }
      if (codePart.type() == ElementType.FLOAT8_E4M3) {
        out.put(module + ".weight", entry("F8_E4M3", parts.get("codes"), rows, cols));
        return out;
      }
      if (codePart.type() == ElementType.FLOAT4) {
        byte[] halves = PlainSafetensors.pack(parts.get("codes"), cols, 4, cols / 2);
        out.put(module + ".weight_packed", entry("U8", halves, rows, cols / 2));
        return out;
      }
      int bits = codePart.type().bits();
      int words = (cols * bits + 31) / 32;
      byte[] codes = offset(parts.get("codes"), bits);
      out.put(
          module + ".weight_packed",
          entry("I32", PlainSafetensors.pack(codes, cols, bits, words * 4), rows, words));
      ByteBuffer shape = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
      shape.putLong(rows).putLong(cols);
      out.put(module + ".weight_shape", entry("I64", shape.array(), 2));
      byte[] points = parts.get("zero_point");
      if (points != null && scaleShape.length == 1) {
        out.put(module + ".weight_zero_point", entry("I8", points, 1));
      } else if (points != null) {
        int groups = (int) scaleShape[1];
        int down = (rows * bits + 31) / 32;
        byte[] columns = new byte[points.length];
        for (int r = 0; r < rows; r++) {
          for (int g = 0; g < groups; g++) {
            columns[g * rows + r] = points[r * groups + g];
          }
        }
        byte[] packed = PlainSafetensors.pack(offset(columns, bits), rows, bits, down * 4);
        byte[] turned = new byte[packed.length];
        for (int w = 0; w < down; w++) {
          for (int g = 0; g < groups; g++) {
            System.arraycopy(packed, (g * down + w) * 4, turned, (w * groups + g) * 4, 4);
          }
        }
        out.put(module + ".weight_zero_point", entry("I32", turned, down, groups));
      }
      return out;
    }

    private static byte[] offset(byte[] codes, int bits) {
      byte[] out = new byte[codes.length];
      for (int i = 0; i < codes.length; i++) {
        out[i] = (byte) (codes[i] + (1 << (bits - 1)));
      }
      return out;
    }

    static PlainSafetensors.Entry entry(String dtype, byte[] bytes, long... shape) {
      return new PlainSafetensors.Entry(dtype, TensorShape.of(shape).toString(), bytes);
    }
  }

  private static Sample random(long seed) {
    Sample sample = new Sample(seed);
    Random random = sample.random();
    int shards = 1 + random.nextInt(3);
    int count = 1 + random.nextInt(5);
    for (int i = 0; i < count; i++) {
      String shard =
          shards == 1
              ? (random.nextBoolean() ? "" : "odd.safetensors")
              : String.format("model-%05d-of-%05d.safetensors", 1 + i % shards, shards);
      if (shards == 1 && !sample.kept.isEmpty()) {
        shard = sample.kept.keySet().iterator().next().shard();
      }
      TensorInfo norm =
          new TensorInfo("n" + i + ".weight", ElementType.BFLOAT16, TensorShape.of(i), shard);
      sample.keep(norm).layer("n" + i, LayerKind.NORM, norm);
      if (random.nextInt(3) > 0) {
        EncodedWeight weight = weight(random, "l" + i, shard);
        sample.quantize(weight).layer("l" + i, LayerKind.LINEAR, weight.matrix().tensor());
      }
    }
    return sample;
  }

  static EncodedWeight weight(Random random, String layer, String shard) {
    return random.nextInt(3) == 0 ? floats(random, layer, shard) : integers(random, layer, shard);
  }

  /** FP8, MXFP4, MXFP8 or NVFP4, with groups of any size. */
  private static EncodedWeight floats(Random random, String layer, String shard) {
    int group = 2 * (1 + random.nextInt(8));
    int rows = 1 + random.nextInt(20);
    TensorInfo tensor =
        new TensorInfo(
            layer + ".weight",
            ElementType.BFLOAT16,
            TensorShape.of(rows, (long) group * (1 + random.nextInt(4))),
            shard);
    Part fp4 = Part.perElement("codes", ElementType.FLOAT4);
    Part fp8 = Part.perElement("codes", ElementType.FLOAT8_E4M3);
    Granularity granularity = Granularity.group(group);
    Encoding encoding;
    String scheme = "fp8";
    switch (random.nextInt(5)) {
      case 0 -> {
        granularity = Granularity.CHANNEL;
        encoding = Encoding.affine(fp8, Part.perRow("scale", ElementType.BFLOAT16));
      }
      case 1 -> {
        granularity = Granularity.block(2, group);
        encoding = Encoding.affine(fp8, Part.perBlock("scale", ElementType.FLOAT32, 2, group));
        tensor = new TensorInfo(tensor.name(), ElementType.FLOAT32, tensor.shape(), shard);
      }
      case 2 -> {
        scheme = "mxfp4";
        encoding = Encoding.affine(fp4, Part.perGroup("scale", ElementType.FLOAT8_E8M0, group));
      }
      case 3 -> {
        scheme = "mxfp8";
        encoding = Encoding.affine(fp8, Part.perGroup("scale", ElementType.FLOAT8_E8M0, group));
      }
      default -> {
        scheme = "nvfp4";
        encoding =
            new Encoding(
                List.of(
                    fp4,
                    Part.perGroup("scale", ElementType.FLOAT8_E4M3, group),
                    Part.perTensor("global_scale", ElementType.FLOAT32)),
                new Formula.Affine(
                    "codes",
                    List.of(Formula.Factor.times("scale"), Formula.Factor.over("global_scale")),
                    Optional.empty()));
      }
    }
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId(scheme, 1),
        OptionValues.of(encoding.parts().get(0).type().bits(), true, granularity),
        encoding);
  }

  private static EncodedWeight integers(Random random, String layer, String shard) {
    int group = 1 + random.nextInt(20);
    int groups = 1 + random.nextInt(4);
    ElementType type =
        List.of(ElementType.FLOAT32, ElementType.FLOAT16, ElementType.BFLOAT16)
            .get(random.nextInt(3));
    TensorInfo tensor =
        new TensorInfo(
            layer + ".weight",
            type,
            TensorShape.of(1 + random.nextInt(70), (long) group * groups),
            shard);
    int bits = 2 + random.nextInt(7);
    boolean symmetric = random.nextBoolean();
    ElementType code = ElementType.code(bits, true);
    List<Part> parts = new ArrayList<>(List.of(Part.perElement("codes", code)));
    Granularity granularity;
    switch (random.nextInt(3)) {
      case 0 -> {
        granularity = Granularity.TENSOR;
        parts.add(Part.perTensor("scale", type));
      }
      case 1 -> {
        granularity = Granularity.CHANNEL;
        parts.add(Part.perRow("scale", type));
      }
      default -> {
        granularity = Granularity.group(group);
        parts.add(Part.perGroup("scale", type, group));
      }
    }
    if (!symmetric) {
      parts.add(new Part("zero_point", code, parts.get(1).extent()));
    }
    return new EncodedWeight(
        new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int" + bits, 1),
        OptionValues.of(bits, symmetric, granularity),
        Encoding.conventional(parts));
  }
}
