package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.PlanException;
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
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** What is written is read back, by this reader and by a plain one; sizes are known before. */
@AddLifecycleHook(Sweep.class)
class RoundTripTest {

  private final SafetensorsOutput output = new SafetensorsOutput();
  private Path folder;

  @BeforeTry
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("round-trip");
  }

  @AfterTry
  void removeFolder() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }

  @Property(tries = 150)
  void everythingComesBack(@ForAll long seed) throws IOException {
    Sample sample = random(seed);
    Path target = folder.resolve("model.safetensors");
    Request request = sample.request(target);
    long predicted = request.bytes(output);

    assertThat(sample.write(output, request)).containsExactly(target);

    assertThat(Files.size(target)).isEqualTo(predicted);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(target);
    }
    comparePlain(sample, PlainSafetensors.read(target));
    compare(sample, target);
  }

  @Property(tries = 30)
  void theBytesDependOnNoOrder(@ForAll long seed) throws IOException {
    Sample sample = random(seed);
    Path one = folder.resolve("one.safetensors");
    Path two = folder.resolve("two.safetensors");
    sample.write(output, sample.request(one));
    sample.write(output, sample.request(two));
    assertThat(Files.mismatch(one, two)).isEqualTo(-1);
  }

  /** Long texts are written in pieces, which must not part what belongs together. */
  @Example
  void longTextsComeBack() throws IOException {
    for (int shift = 0; shift < 4; shift++) {
      Sample sample = new Sample(shift).keep("k", ElementType.FLOAT32, 2);
      sample.metadata.put("note", "x".repeat(shift) + "\ud83d\ude42\"\\".repeat(50_000));
      Path target = folder.resolve("long" + shift + ".safetensors");
      sample.write(output, sample.request(target));
      comparePlain(sample, PlainSafetensors.read(target));
      compare(sample, target);
    }
  }

  @Example
  void knownBytes() throws IOException {
    WeightMatrix rows =
        new WeightMatrix(
            "fc",
            LayerKind.LINEAR,
            "weight",
            new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(2, 3)),
            0);
    EncodedWeight weight =
        new EncodedWeight(
            rows,
            new SchemeId("int4", 1),
            OptionValues.of(4, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement("codes", ElementType.INT4),
                Part.perRow("scale", ElementType.FLOAT32)));
    Sample sample = new Sample(1);
    sample.weights.put(
        weight,
        Map.of(
            "codes",
            new byte[] {1, -2, 3, -8, 7, 0},
            "scale",
            new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
    sample.metadata.put("monoquant.weights", "of an earlier run");
    sample.metadata.put("note", "kept \u00e9 \"");
    Path target = folder.resolve("known.safetensors");
    sample.write(output, sample.request(target));

    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(target));
    String header =
        "{\"__metadata__\":{\"format\":\"pt\",\"monoquant.manifest\":\""
            + "{\"hash\":{\"inputs\":\"crc32c\",\"outputs\":\"sha256-64MiB\"},"
                .replace("\"", "\\\"")
            + "\"inputs\":{},\"self\":\"SELF\",\"tensors\":{\"fc.weight\":\"".replace("\"", "\\\"")
            + sha256((byte) 0xe1, (byte) 0x03, (byte) 0x78, (byte) 0x00)
            + "\",\"fc.weight_scale\":\"".replace("\"", "\\\"")
            + sha256(new byte[] {1, 2, 3, 4, 5, 6, 7, 8})
            + "\"},\"version\":2}".replace("\"", "\\\"")
            + "\",\"monoquant.schemes\":\"int4@1\","
            + "\"monoquant.tool\":\"test 1\",\"monoquant.version\":\"1\",\"monoquant.weights\":\""
            + "{\"fc.weight\":{\"dtype\":\"F32\",\"kind\":\"Linear\",\"layer\":\"fc\",\"options\":{"
                .replace("\"", "\\\"")
            + "\"bits\":4,\"extra\":{},\"granularity\":\"channel\",".replace("\"", "\\\"")
            + "\"profile\":\"compressed-tensors\",\"symmetric\":true},".replace("\"", "\\\"")
            + "\"param\":\"weight\",\"parts\":[{\"cell\":[1,1],\"name\":\"codes\",\"type\":\"I4\"},"
                .replace("\"", "\\\"")
            + "{\"cell\":[1,\"all\"],\"name\":\"scale\",\"type\":\"F32\"}],".replace("\"", "\\\"")
            + "\"row_axis\":0,\"scheme\":\"int4@1\",\"shape\":[2,3]}}".replace("\"", "\\\"")
            + "\",\"note\":\"kept \u00e9 \\\"\"},"
            + "\"fc.weight_scale\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
            + "\"fc.weight\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[8,12]}}";
    header = header.replace("SELF", "0".repeat(64));
    int length = header.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
    int padded = (length + 7) / 8 * 8;
    ByteBuffer open = ByteBuffer.allocate(8 + padded).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    open.putLong(padded).put(header.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    java.util.Arrays.fill(open.array(), 8 + length, 8 + padded, (byte) ' ');
    header = header.replace("0".repeat(64), hex(digest().digest(open.array())));
    assertThat(bytes.order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong()).isEqualTo(padded);
    byte[] text = new byte[padded];
    bytes.get(text);
    assertThat(new String(text, java.nio.charset.StandardCharsets.UTF_8).strip()).isEqualTo(header);
    byte[] data = new byte[bytes.remaining()];
    bytes.get(data);
    assertThat(data).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 0xe1, 0x03, 0x78, 0x00);
  }

  /** The SHA-256 of the only piece's SHA-256. */
  private static String sha256(byte... bytes) {
    return hex(digest().digest(digest().digest(bytes)));
  }

  private static String hex(byte[] bytes) {
    return java.util.HexFormat.of().formatHex(bytes);
  }

  private static java.security.MessageDigest digest() {
    try {
      return java.security.MessageDigest.getInstance("SHA-256");
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Example
  void collidingNamesAreRefusedBeforeAnythingIsWritten() {
    Sample sample = new Sample(5);
    TensorInfo w = new TensorInfo("a.weight", ElementType.FLOAT32, TensorShape.of(2, 2));
    sample.quantize(
        new EncodedWeight(
            new WeightMatrix("a", LayerKind.LINEAR, "weight", w, 0),
            new SchemeId("int8", 1),
            OptionValues.of(8, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement("codes", ElementType.INT8),
                Part.perRow("scale", ElementType.FLOAT32))));
    sample.keep("a.weight_scale", ElementType.FLOAT32, 1);
    assertThatThrownBy(() -> sample.request(folder.resolve("x.safetensors")).open(output))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("\"a.weight_scale\"");
    assertThat(folder).isEmptyDirectory();
  }

  @Example
  void aReservedNameIsRefused() {
    Sample sample = new Sample(6).keep("__metadata__", ElementType.FLOAT32, 1);
    assertThatThrownBy(() -> sample.request(folder.resolve("x.safetensors")).bytes(output))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("reserves");
  }

  private static void comparePlain(Sample sample, PlainSafetensors file) {
    List<String> names = new ArrayList<>();
    sample.kept.forEach(
        (t, bytes) -> {
          names.add(t.name());
          assertThat(file.tensors().get(t.name()))
              .isEqualTo(new PlainSafetensors.Entry(t.type().wire(), t.shape().toString(), bytes));
        });
    sample.weights.forEach(
        (weight, parts) ->
            weight
                .encoding()
                .parts()
                .forEach(
                    part -> {
                      boolean main = List.of("codes", "values", "index").contains(part.name());
                      String name = weight.name() + (main ? "" : "_" + part.name());
                      names.add(name);
                      byte[] expected = plainBytes(weight, part, parts.get(part.name()));
                      assertThat(file.tensors().get(name).bytes()).as(name).isEqualTo(expected);
                    }));
    assertThat(file.tensors().keySet()).containsExactlyInAnyOrderElementsOf(names);
    sample.metadata.forEach((k, v) -> assertThat(file.metadata()).containsEntry(k, v));
    assertThat(file.metadata()).containsEntry("monoquant.tool", "test 1").containsKey("format");
    // Keys come sorted, and the file is ordered by size of type, then name.
    assertThat(new ArrayList<>(file.metadata().keySet())).isSorted();
  }

  private static byte[] plainBytes(EncodedWeight weight, Part part, byte[] cells) {
    WeightMatrix rows = weight.matrix();
    if (part.name().equals("values")) {
      return moveAxisBack(rows, cells, part.type().cellBytes());
    }
    if (part.type().bits() >= 8) {
      return cells;
    }
    long[] shape = part.shape(rows.rowCount(), rows.columnCount()).dims();
    int cols = (int) (shape.length == 0 ? 1 : shape[shape.length - 1]);
    return PlainSafetensors.pack(
        cells, cols, part.type().bits(), (cols * part.type().bits() + 7) / 8);
  }

  /** Element by element, by coordinates. */
  private static byte[] moveAxisBack(WeightMatrix rows, byte[] cells, int size) {
    long[] dims = rows.tensor().shape().dims();
    byte[] out = new byte[cells.length];
    int elements = cells.length / size;
    for (int flat = 0; flat < elements; flat++) {
      long rest = flat;
      long[] at = new long[dims.length];
      for (int axis = dims.length - 1; axis >= 0; axis--) {
        at[axis] = rest % dims[axis];
        rest /= dims[axis];
      }
      long col = 0;
      for (int axis = 0; axis < dims.length; axis++) {
        if (axis != rows.rowAxis()) {
          col = col * dims[axis] + at[axis];
        }
      }
      long from = at[rows.rowAxis()] * rows.columnCount() + col;
      System.arraycopy(cells, (int) from * size, out, flat * size, size);
    }
    return out;
  }

  private static void compare(Sample sample, Path target) throws IOException {
    try (ModelSource source =
        new SafetensorsFormat().open(ModelInput.of(target), ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors()).containsExactlyInAnyOrderElementsOf(sample.kept.keySet());
      assertThat(source.info().quantized())
          .containsExactlyInAnyOrderElementsOf(sample.weights.keySet());
      for (TensorInfo t : source.info().tensors()) {
        byte[] bytes = new byte[(int) t.bytes()];
        source.read(t, 0, bytes.length).get(bytes);
        assertThat(bytes).isEqualTo(sample.kept.get(t));
      }
      for (EncodedWeight weight : source.info().quantized()) {
        compareTiles(sample, source, weight);
      }
    }
  }

  private static void compareTiles(Sample sample, ModelSource source, EncodedWeight weight)
      throws IOException {
    Map<String, byte[]> parts = sample.weights.get(weight);
    int step = weight.encoding().rowAlignment() * (1 + sample.random().nextInt(5));
    for (long row = 0; row < weight.matrix().rowCount(); row += step) {
      int height = (int) Math.min(step, weight.matrix().rowCount() - row);
      EncodedTile expected = Sample.tile(weight, parts, row, height);
      EncodedTile actual = source.readTile(weight, new RowRange(row, height));
      assertThat(actual.names()).isEqualTo(parts.keySet());
      for (String name : actual.names()) {
        byte[] cells = expected.names().contains(name) ? expected.part(name) : parts.get(name);
        assertThat(actual.part(name)).as(name).isEqualTo(cells);
      }
    }
  }

  private static Sample random(long seed) {
    Sample sample = new Sample(seed);
    Random random = sample.random();
    List<ElementType> types =
        Arrays.stream(ElementType.values())
            .filter(t -> t.isSafetensors() && t.bits() >= 8)
            .toList();
    int kept = random.nextInt(6);
    for (int i = 0; i < kept; i++) {
      long[] dims = new long[random.nextInt(4)];
      for (int d = 0; d < dims.length; d++) {
        dims[d] = random.nextInt(8);
      }
      String name = "k" + i + (random.nextBoolean() ? "" : ".\u00e9\"\\\n\ud83d\ude42");
      sample.keep(name, types.get(random.nextInt(types.size())), dims);
    }
    int weights = random.nextInt(4);
    for (int i = 0; i < weights; i++) {
      sample.quantize(weight(random, i));
    }
    if (random.nextBoolean()) {
      sample.metadata.put("note", "\u0001 \ud83d\ude42 \uffff " + seed);
      sample.metadata.put("format", "np");
    }
    return sample;
  }

  private static EncodedWeight weight(Random random, int index) {
    long[] dims = new long[1 + random.nextInt(4)];
    for (int d = 0; d < dims.length; d++) {
      dims[d] = 1L + random.nextInt(d == 0 ? 20 : 12);
    }
    TensorInfo tensor =
        new TensorInfo("l" + index + ".weight", ElementType.FLOAT32, TensorShape.of(dims));
    WeightMatrix rows =
        new WeightMatrix(
            "l" + index, LayerKind.LINEAR, "weight", tensor, random.nextInt(dims.length));
    return new EncodedWeight(
        rows,
        new SchemeId("acme/some", 3),
        OptionValues.of(5, random.nextBoolean(), Granularity.group(7))
            .with(Map.of("profile", "torch", "a", "b")),
        encoding(random));
  }

  private static Encoding encoding(Random random) {
    if (random.nextInt(3) == 0) {
      return Encoding.cast(
          Part.perElement(
              "values", random.nextBoolean() ? ElementType.FLOAT16 : ElementType.BFLOAT16));
    }
    if (random.nextInt(3) == 0) {
      return formula(random);
    }
    ElementType code = ElementType.code(2 + random.nextInt(7), random.nextBoolean());
    List<Part> parts = new ArrayList<>(List.of(Part.perElement("codes", code)));
    switch (random.nextInt(4)) {
      case 0 -> parts.add(Part.perTensor("scale", ElementType.FLOAT32));
      case 1 -> parts.add(Part.perRow("scale", ElementType.BFLOAT16));
      case 2 -> parts.add(Part.perGroup("scale", ElementType.FLOAT16, 1 + random.nextInt(6)));
      default -> parts.add(new Part("scale", ElementType.FLOAT8_E8M0, new Part.Grid(3, 4)));
    }
    if (random.nextBoolean()) {
      parts.add(Part.perGroup("zero_point", code, 1 + random.nextInt(6)));
    }
    if (random.nextBoolean()) {
      parts.add(new Part("codebook", ElementType.FLOAT4, new Part.Whole(TensorShape.of(2, 3))));
    }
    if (random.nextBoolean()) {
      parts.add(new Part("one", ElementType.INT3, new Part.Whole(TensorShape.of())));
    }
    return Encoding.conventional(parts);
  }

  /** Encodings whose names do not say what they mean. */
  private static Encoding formula(Random random) {
    Part codes = Part.perElement("index", ElementType.UINT3);
    Part table = new Part("table", ElementType.FLOAT16, new Part.Whole(TensorShape.of(8)));
    Part scale = Part.perGroup("scale", ElementType.FLOAT8_E4M3, 2);
    Part global = Part.perTensor("global", ElementType.FLOAT32);
    List<Formula.Factor> scales =
        List.of(Formula.Factor.times("scale"), Formula.Factor.over("global"));
    return switch (random.nextInt(5)) {
      case 0 -> Encoding.lookup(codes, table);
      case 1 ->
          new Encoding(
              List.of(codes, table, scale, global), new Formula.Lookup("index", "table", scales));
      case 2 ->
          new Encoding(
              List.of(codes, scale, global), new Formula.Affine("index", scales, Optional.empty()));
      case 3 ->
          new Encoding(
              List.of(codes, scale, global),
              new Formula.Affine(
                  "index", List.of(Formula.Factor.times("scale")), Optional.of("global")));
      default -> Encoding.opaque(Part.perElement("codes", ElementType.UINT3), scale);
    };
  }
}
