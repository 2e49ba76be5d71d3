package dev.monoquant.io.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.ModelDirectory;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.PlainSafetensors.Entry;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterTry;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors of any bytes decode to what the definition of their layout says, computed one by one. */
class ForeignWeightsTest {

  private static final float[] E2M1 = {
    0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6
  };

  private @Nullable Path folder;

  private Path folder() throws IOException {
    if (folder == null) {
      folder = Folders.make();
    }
    return folder;
  }

  @AfterTry
  @AfterEach
  void removeFolder() throws IOException {
    if (folder != null) {
      Folders.delete(folder);
      folder = null;
    }
  }

  /** A number of the weight by row and column. */
  @FunctionalInterface
  private interface Reference {
    float at(int row, int column);
  }

  /** Tensors as they are stored, the configuration beside them, and what they stand for. */
  private record Made(
      Map<String, Entry> tensors, String config, int rows, int columns, Reference reference) {}

  /** Version 1 and 2 in turn. */
  private static final List<String> GPTQ_FORMS =
      List.of(
          "'quant_method':'gptq'",
          "'quant_method':'gptq','checkpoint_format':'gptq_v2'",
          "'quant_method':'auto-round','packing_format':'auto_round:auto_gptq'",
          "'quant_method':'intel/auto-round','packing_format':'auto_round:gptqmodel'",
          "'quant_method':'auto-round'",
          "'quant_method':'auto-round','packing_format':'auto_round'");

  @Property(tries = 100)
  void decodesGptq(
      @ForAll @IntRange(min = 1, max = 4) int words,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 0, max = 3) int width,
      @ForAll @IntRange(min = 0, max = 5) int form,
      @ForAll boolean ordered,
      @ForAll long seed)
      throws IOException {
    boolean second = form % 2 == 1;
    int bits = List.of(2, 3, 4, 8).get(width);
    int columns = 32 * groups;
    int rows = 32 * words;
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] codes = random(tensors, random, "m.fc.qweight", "I32", columns * bits / 32, rows);
    byte[] zeros = random(tensors, random, "m.fc.qzeros", "I32", groups, rows * bits / 32);
    float[] scales = halves(tensors, random, "m.fc.scales", groups, rows);
    int[] group = new int[columns];
    Arrays.setAll(group, k -> ordered ? k / 32 : random.nextInt(groups));
    index(tensors, columns, k -> group[k]);
    int mask = (1 << bits) - 1;
    check(
        new Made(
            tensors,
            "{'bits':" + bits + "," + GPTQ_FORMS.get(form) + "}",
            rows,
            columns,
            (n, k) -> {
              int code = bitsAt(codes, (i, w) -> (w * rows + n) * 32 + i, k * bits, bits);
              int zero =
                  bitsAt(
                      zeros,
                      (i, w) -> (group[k] * (rows * bits / 32) + w) * 32 + i,
                      n * bits,
                      bits);
              return (code - (second ? zero : (zero + 1) & mask)) * scales[group[k] * rows + n];
            }));
  }

  @Property(tries = 100)
  void decodesAwq(
      @ForAll @IntRange(min = 1, max = 9) int words,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 1, max = 40) int size,
      @ForAll long seed)
      throws IOException {
    int rows = 8 * words;
    int columns = groups * size;
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] codes = random(tensors, random, "m.fc.qweight", "I32", columns, words);
    byte[] zeros = random(tensors, random, "m.fc.qzeros", "I32", groups, words);
    float[] scales = halves(tensors, random, "m.fc.scales", groups, rows);
    int[] lane = {0, 4, 1, 5, 2, 6, 3, 7};
    check(
        new Made(
            tensors,
            "{'quant_method':'awq','version':'GEMM'}",
            rows,
            columns,
            (n, k) -> {
              int g = k / size;
              int code = word(codes, k * words + n / 8) >>> (4 * lane[n % 8]) & 15;
              int zero = word(zeros, g * words + n / 8) >>> (4 * lane[n % 8]) & 15;
              return (code - zero) * scales[g * rows + n];
            }));
  }

  @Property(tries = 100)
  void decodesFp8(
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 40) int columns,
      @ForAll @IntRange(min = 0, max = 3) int kind,
      @ForAll long seed)
      throws IOException {
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] codes = random(tensors, random, "m.fc.weight", "F8_E4M3", rows, columns);
    finite(codes);
    int r = kind == 2 ? 16 : 1;
    int c = kind == 2 ? 8 : columns;
    int down = kind == 0 ? 1 : (rows + r - 1) / r;
    int across = kind == 2 ? (columns + c - 1) / c : 1;
    int[] shape =
        kind == 0 ? new int[] {} : kind == 3 ? new int[] {down} : new int[] {down, across};
    String name = kind == 2 ? "m.fc.weight_scale_inv" : "m.fc.weight_scale";
    float[] scales = floats(tensors, random, name, shape);
    floats(tensors, random, "m.fc.input_scale");
    check(
        new Made(
            tensors,
            "{'quant_method':'fp8','weight_block_size':[16,8]}",
            rows,
            columns,
            (n, k) ->
                ElementType.FLOAT8_E4M3.decode(codes[n * columns + k])
                    * scales[kind == 0 ? 0 : n / r * across + k / c]));
  }

  @Property(tries = 50)
  void decodesPairsWithPowersOfTwo(
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 2, max = 4) int groups,
      @ForAll boolean bytes,
      @ForAll long seed)
      throws IOException {
    int columns = 32 * groups;
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] codes = random(tensors, random, "m.fc.weight", "I8", rows, columns / 2);
    byte[] scales = random(tensors, random, "m.fc.scale", bytes ? "U8" : "F8_E8M0", rows, groups);
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (byte) (120 + (scales[i] & 7));
    }
    check(
        new Made(
            tensors,
            "{'quant_method':'fp8'}",
            rows,
            columns,
            (n, k) ->
                pair(codes, n, k, columns) * Math.scalb(1f, scales[n * groups + k / 32] - 127)));
  }

  @Property(tries = 50)
  void decodesNvfp4OfModelOpt(
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 1, max = 5) int groups,
      @ForAll long seed)
      throws IOException {
    int columns = 16 * groups;
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    byte[] codes = random(tensors, random, "m.fc.weight", "U8", rows, columns / 2);
    byte[] scales = random(tensors, random, "m.fc.weight_scale", "F8_E4M3", rows, groups);
    finite(scales);
    float[] global = floats(tensors, random, "m.fc.weight_scale_2");
    check(
        new Made(
            tensors,
            "{'quant_method':'modelopt'}",
            rows,
            columns,
            (n, k) ->
                pair(codes, n, k, columns)
                    * (ElementType.FLOAT8_E4M3.decode(scales[n * groups + k / 16]) * global[0])));
  }

  @Property(tries = 50)
  void decodesBitsAndBytes(
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 1, max = 4) int blocks,
      @ForAll boolean nibbles,
      @ForAll long seed)
      throws IOException {
    int columns = 64 * blocks;
    Random random = new Random(seed);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Reference reference;
    if (nibbles) {
      byte[] codes = random(tensors, random, "m.fc.weight", "U8", rows * columns / 2, 1);
      float[] largest = floats(tensors, random, "m.fc.weight.absmax", rows * blocks);
      float[] levels = floats(tensors, random, "m.fc.weight.quant_map", 16);
      byte[] state =
          ("{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"bfloat16\",\"shape\":["
                  + rows
                  + ","
                  + columns
                  + "]}")
              .getBytes(StandardCharsets.UTF_8);
      tensors.put(
          "m.fc.weight.quant_state.bitsandbytes__nf4",
          new Entry("U8", "[" + state.length + "]", state));
      reference =
          (n, k) -> {
            int i = n * columns + k;
            int code = codes[i / 2] >>> (i % 2 == 0 ? 4 : 0) & 15;
            return levels[code] * largest[i / 64];
          };
    } else {
      byte[] codes = random(tensors, random, "m.fc.weight", "I8", rows, columns);
      float[] largest = floats(tensors, random, "m.fc.SCB", rows);
      reference = (n, k) -> codes[n * columns + k] * (largest[n] / 127);
    }
    check(new Made(tensors, "{'quant_method':'bitsandbytes'}", rows, columns, reference));
  }

  /** Packed by another program. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gptq_2 qzeros_v1", "gptq_4 qzeros_v1", "gptq_8 qzeros_v2", "awq_4 qzeros"})
  void readsAndWritesTheBytesOfThePeers(String of) throws Exception {
    String name = of.split(" ", -1)[0];
    String zeros = of.split(" ", -1)[1];
    Path golden = Path.of(ForeignWeightsTest.class.getResource("gptq-awq.safetensors").toURI());
    Map<String, Entry> all = PlainSafetensors.read(golden).tensors();
    Map<String, Entry> tensors = new LinkedHashMap<>();
    tensors.put("m.fc.qweight", all.get(name + ".qweight"));
    tensors.put("m.fc.qzeros", all.get(name + "." + zeros));
    tensors.put("m.fc.scales", all.get(name + ".scales"));
    String version = zeros.endsWith("2") ? "{'checkpoint_format':'gptq_v2'}" : "{}";
    Path model = directory(folder(), tensors, version);
    String codes = name.equals("awq_4") ? "gptq_4" : name;
    try (ModelSource source = open(model)) {
      EncodedWeight weight = source.info().quantized().get(0);
      EncodedTile tile = source.readTile(weight, new RowRange(0, 16));
      assertThat(tile.part(Part.CODES)).isEqualTo(all.get(codes + ".codes").bytes());
      assertThat(tile.part(Part.ZERO_POINT)).isEqualTo(all.get(codes + ".zeros").bytes());
    }
    assertThat(text(written(model))).isEqualTo(text(bytes(tensors)));
  }

  private void check(Made made) throws IOException {
    Path model = directory(folder(), made.tensors(), made.config());
    try (ModelSource source = open(model)) {
      assertThat(source.info().tensors()).isEmpty();
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(weight.name()).isEqualTo("m.fc.weight");
      assertThat(weight.matrix().rowCount()).isEqualTo(made.rows());
      assertThat(weight.matrix().columnCount()).isEqualTo(made.columns());
      ElementType type = weight.matrix().tensor().type();
      TileDecoder decoder = TileDecoder.ofFormula(weight);
      int step = weight.encoding().rowAlignment();
      for (int row = 0; row < made.rows(); row += step) {
        int height = Math.min(step, made.rows() - row);
        float[] out = new float[height * made.columns()];
        decoder.decode(source.readTile(weight, new RowRange(row, height)), out);
        for (int i = 0; i < out.length; i++) {
          int n = row + i / made.columns();
          float expected = type.round(made.reference().at(n, i % made.columns()));
          assertThat(out[i])
              .as("%s at (%d, %d)", weight.scheme(), n, i % made.columns())
              .isEqualTo(expected);
        }
      }
    }
    assertThat(text(bytes(made.tensors()))).containsAllEntriesOf(text(written(model)));
  }

  /** What the layout writes if it is given what it reads. */
  private static Map<String, byte[]> written(Path model) throws IOException {
    Map<String, byte[]> tensors = new HashMap<>();
    try (ModelFiles files = ModelDirectory.open(model, LIMITS, DirectoryChoices.DEFAULT)) {
      ForeignWeights found = ForeignWeights.find(files, LIMITS);
      if (found.weights().isEmpty()) {
        return tensors;
      }
      Map.Entry<EncodedWeight, WeightLayout> first = found.weights().entrySet().iterator().next();
      WeightLayout layout = first.getValue();
      layout.tensors().forEach(t -> tensors.put(t.name(), new byte[(int) t.bytes()]));
      WeightLayout.Writer writer =
          layout.writer(
              (tensor, offset, data) -> {
                byte[] all = tensors.get(tensor.name());
                data.get(all, (int) offset, data.remaining());
              });
      int rows = (int) first.getKey().matrix().rowCount();
      int step = first.getKey().encoding().rowAlignment();
      Map<String, byte[]> whole = new HashMap<>();
      for (int row = 0; row < rows; row += step) {
        RowRange range = new RowRange(row, Math.min(step, rows - row));
        EncodedTile tile = layout.read(range, (t, o, n) -> files.read(t.name(), o, n));
        writer.writeTile(tile);
        first.getKey().encoding().parts().stream()
            .filter(part -> !part.tiled())
            .forEach(part -> whole.put(part.name(), tile.part(part.name())));
      }
      writer.writeWhole(whole);
    }
    return tensors;
  }

  private static final ReadLimits LIMITS = ReadLimits.DEFAULT;

  private static Map<String, byte[]> bytes(Map<String, Entry> tensors) {
    Map<String, byte[]> bytes = new HashMap<>();
    tensors.forEach((name, entry) -> bytes.put(name, entry.bytes()));
    return bytes;
  }

  private static Map<String, String> text(Map<String, byte[]> tensors) {
    Map<String, String> texts = new HashMap<>();
    tensors.forEach((name, bytes) -> texts.put(name, HexFormat.of().formatHex(bytes)));
    return texts;
  }

  static ModelSource open(Path model) throws IOException {
    return new ModelDirectoryFormat().open(ModelInput.of(model), LIMITS);
  }

  static Path directory(Path folder, Map<String, Entry> tensors, String quantization)
      throws IOException {
    Path model = Files.createTempDirectory(folder, "model");
    PlainSafetensors.write(model.resolve("model.safetensors"), tensors);
    String config = "{'torch_dtype':'bfloat16','quantization_config':" + quantization + "}";
    Files.writeString(model.resolve("config.json"), config.replace('\'', '"'));
    return model;
  }

  static byte[] random(
      Map<String, Entry> tensors, Random random, String name, String type, int... shape) {
    int cell = type.equals("I32") || type.equals("F32") ? 4 : type.equals("F16") ? 2 : 1;
    byte[] bytes = new byte[Arrays.stream(shape).reduce(cell, (a, b) -> a * b)];
    random.nextBytes(bytes);
    tensors.put(name, new Entry(type, Arrays.toString(shape), bytes));
    return bytes;
  }

  static float[] floats(Map<String, Entry> tensors, Random random, String name, int... shape) {
    ByteBuffer bytes =
        ByteBuffer.wrap(random(tensors, random, name, "F32", shape)).order(ByteOrder.LITTLE_ENDIAN);
    float[] numbers = new float[bytes.capacity() / 4];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
      bytes.putFloat(4 * i, numbers[i]);
    }
    return numbers;
  }

  /** Scales in F16, with the number that each stands for. */
  static float[] halves(Map<String, Entry> tensors, Random random, String name, int... shape) {
    byte[] bytes = random(tensors, random, name, "F16", shape);
    float[] numbers = new float[bytes.length / 2];
    for (int i = 0; i < numbers.length; i++) {
      bytes[2 * i + 1] = (byte) (0x10 | (bytes[2 * i + 1] & 0x8f));
      int half = (bytes[2 * i] & 0xff) | (bytes[2 * i + 1] & 0xff) << 8;
      numbers[i] = dev.monoquant.model.Float16.toFloat((short) half);
    }
    return numbers;
  }

  static void index(
      Map<String, Entry> tensors, int columns, java.util.function.IntUnaryOperator group) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * columns).order(ByteOrder.LITTLE_ENDIAN);
    for (int k = 0; k < columns; k++) {
      bytes.putInt(4 * k, group.applyAsInt(k));
    }
    tensors.put("m.fc.g_idx", new Entry("I32", "[" + columns + "]", bytes.array()));
  }

  private static void finite(byte[] codes) {
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (codes[i] & 0x7f) == 0x7f ? 0 : codes[i];
    }
  }

  private static float pair(byte[] codes, int row, int column, int columns) {
    return E2M1[codes[(row * columns + column) / 2] >>> (column % 2 == 0 ? 0 : 4) & 15];
  }

  private static int word(byte[] bytes, int at) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(4 * at);
  }

  /** Bits of a stream in words: {@code place} gives the place of bit i of word w in the tensor. */
  private static int bitsAt(byte[] bytes, IntBinaryOperator place, int first, int count) {
    int value = 0;
    for (int b = 0; b < count; b++) {
      int at = place.applyAsInt((first + b) % 32, (first + b) / 32);
      value |= (bytes[at / 8] >>> (at % 8) & 1) << b;
    }
    return value;
  }
}
