package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** The drawings of the forms, and each form both ways in any tiles. */
class FormsTest {

  private static final ElementType BF16 = ElementType.BFLOAT16;

  /** The parts of a weight that is made of some kind of codes. */
  private static Encoding encoding(Form form, int group) {
    Part fp4 = Part.perElement(Part.CODES, ElementType.FLOAT4);
    Part fp8 = Part.perElement(Part.CODES, ElementType.FLOAT8_E4M3);
    Part e8m0 = Part.perGroup(Part.SCALE, ElementType.FLOAT8_E8M0, group);
    Part e4m3 = Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, group);
    Part global = Part.perTensor("global_scale", ElementType.FLOAT32);
    return switch (form) {
      case PACK ->
          Encoding.affine(
              Part.perElement(Part.CODES, ElementType.INT4),
              Part.perGroup(Part.SCALE, BF16, group),
              Part.perGroup(Part.ZERO_POINT, ElementType.INT4, group));
      case INT ->
          Encoding.affine(
              Part.perElement(Part.CODES, ElementType.INT4),
              Part.perRow(Part.SCALE, BF16),
              Part.perRow(Part.ZERO_POINT, ElementType.INT4));
      case FLOAT -> Encoding.affine(fp8, Part.perBlock(Part.SCALE, BF16, 3, group));
      case NAIVE -> Encoding.affine(fp8, Part.perRow(Part.SCALE, BF16));
      case MXFP4 -> Encoding.affine(fp4, e8m0);
      case MXFP8 -> Encoding.affine(fp8, e8m0);
      case NVFP4 ->
          new Encoding(
              List.of(fp4, e4m3, global),
              new Formula.Affine(
                  Part.CODES,
                  List.of(Factor.times(Part.SCALE), Factor.over("global_scale")),
                  Optional.empty()));
    };
  }

  private static EncodedWeight weight(Encoding encoding, int rows, int columns) {
    TensorInfo tensor = new TensorInfo("M.weight", BF16, TensorShape.of(rows, columns));
    return new EncodedWeight(
        new WeightMatrix("M", LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("any", 1),
        OptionValues.DEFAULTS,
        encoding);
  }

  /** Writes two rows with the numbers of a drawing, and shows the bytes of each tensor. */
  private static Map<String, String> draw(
      Form form, int group, int columns, Map<String, float[]> numbers) throws IOException {
    EncodedWeight weight = weight(encoding(form, group), 2, columns);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      float[] cells = numbers.get(part.name());
      parts.put(part.name(), part.type().isCode() ? codes(cells) : part.toBytes(cells));
    }
    StoredWeight layout = form.layout(weight);
    Map<String, byte[]> stored = empty(layout);
    WeightLayout.Writer writer = layout.writer(sink(stored));
    writer.writeTile(new EncodedTile(0, 2, parts));
    writer.writeWhole(parts);
    EncodedTile read = layout.read(new RowRange(0, 2), source(stored));
    parts.forEach((name, cells) -> assertThat(read.part(name)).as(name).isEqualTo(cells));
    Map<String, String> shown = new TreeMap<>();
    stored.forEach((name, bytes) -> shown.put(name, HexFormat.ofDelimiter(" ").formatHex(bytes)));
    return shown;
  }

  private static byte[] codes(float[] numbers) {
    byte[] cells = new byte[numbers.length];
    for (int i = 0; i < cells.length; i++) {
      cells[i] = (byte) numbers[i];
    }
    return cells;
  }

  @Example
  void packQuantizedAsDrawn() throws IOException {
    assertThat(
            draw(
                Form.PACK,
                4,
                8,
                Map.of(
                    "codes", new float[] {-7, 4, 2, 6, 1, -1, 2, 7, 0, 0, 0, 0, -8, 7, -8, 7},
                    "scale", new float[] {1, 2, .5f, 4},
                    "zero_point", new float[] {0, -2, 3, 7})))
        .isEqualTo(
            Map.of(
                "M.weight_packed", "c1 ea 79 fa 88 88 f0 f0",
                "M.weight_scale", "80 3f 00 40 00 3f 80 40",
                "M.weight_shape", "02 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00",
                "M.weight_zero_point", "b8 00 00 00 f6 00 00 00"));
  }

  @Example
  void cellsAsDrawn() throws IOException {
    assertThat(
            draw(
                Form.NAIVE,
                2,
                2,
                Map.of("codes", new float[] {1, -448, -0f, .5f}, "scale", new float[] {2, .25f})))
        .isEqualTo(Map.of("M.weight", "38 fe 80 30", "M.weight_scale", "00 40 80 3e"));
    assertThat(
            draw(
                Form.INT,
                2,
                2,
                Map.of(
                    "codes", new float[] {-8, 7, 1, 0},
                    "scale", new float[] {1, .5f},
                    "zero_point", new float[] {-3, 2})))
        .isEqualTo(
            Map.of(
                "M.weight", "f8 07 01 00",
                "M.weight_scale", "80 3f 00 3f",
                "M.weight_zero_point", "fd 02"));
  }

  @Example
  void nvfp4AsDrawn() throws IOException {
    assertThat(
            draw(
                Form.NVFP4,
                2,
                4,
                Map.of(
                    "codes", new float[] {.5f, -6, -0f, 1, 4, 3, 2, 1.5f},
                    "scale", new float[] {448, 1, .125f, 2},
                    "global_scale", new float[] {1536})))
        .isEqualTo(
            Map.of(
                "M.weight_packed", "f1 28 56 34",
                "M.weight_scale", "7e 38 20 40",
                "M.weight_global_scale", "00 00 c0 44"));
  }

  @Example
  void mxAsDrawn() throws IOException {
    assertThat(
            draw(
                Form.MXFP4,
                2,
                2,
                Map.of("codes", new float[] {.5f, -6, 3, -0f}, "scale", new float[] {2, .25f})))
        .isEqualTo(Map.of("M.weight_packed", "f1 85", "M.weight_scale", "80 7d"));
    assertThat(
            draw(
                Form.MXFP8,
                2,
                2,
                Map.of("codes", new float[] {1, -448, -0f, .5f}, "scale", new float[] {1, 8})))
        .isEqualTo(Map.of("M.weight", "38 fe 80 30", "M.weight_scale", "7f 82"));
  }

  private static Map<String, byte[]> empty(StoredWeight layout) {
    Map<String, byte[]> stored = new LinkedHashMap<>();
    layout.tensors().forEach(t -> stored.put(t.name(), new byte[(int) t.bytes()]));
    return stored;
  }

  private static WeightLayout.Sink sink(Map<String, byte[]> stored) {
    return (tensor, offset, data) ->
        data.get(stored.get(tensor.name()), (int) offset, data.remaining());
  }

  private static WeightLayout.Source source(Map<String, byte[]> stored) {
    return (tensor, offset, length) ->
        ByteBuffer.wrap(stored.get(tensor.name()), (int) offset, length).slice();
  }

  @Property
  void readsWhatItWritesInAnyTiles(
      @ForAll("forms") Form form,
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 5) int groups,
      @ForAll long seed)
      throws IOException {
    Random random = new Random(seed);
    EncodedWeight weight = weight(encoding(form, 4), rows, 4 * groups);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    Map<String, byte[]> whole = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      byte[] cells = new byte[(int) part.tileBytes(rows, 4L * groups)];
      random.nextBytes(cells);
      int unused = Integer.SIZE - part.type().bits();
      for (int i = 0; part.type().bits() < 8 && i < cells.length; i++) {
        int cell = cells[i] << unused;
        cells[i] = (byte) (part.type().isCode() ? cell >> unused : cell >>> unused);
      }
      (part.tiled() ? parts : whole).put(part.name(), cells);
    }
    EncodedTile all = new EncodedTile(0, rows, parts);
    StoredWeight layout = form.layout(weight);
    Map<String, byte[]> stored = empty(layout);
    assertThat(layout.tensors().get(0).name()).isEqualTo("M." + form.codes());
    assertThat(layout.tensors()).allMatch(t -> t.type().isSafetensors());
    assertThat(layout.tensors()).noneMatch(t -> t.type() == ElementType.FLOAT8_E8M0);
    WeightLayout.Writer writer = layout.writer(sink(stored));
    int step = weight.encoding().rowAlignment();
    for (int first = 0; first < rows; ) {
      int height = Math.min(rows - first, step * (1 + random.nextInt(5)));
      writer.writeTile(all.slice(weight.encoding(), new RowRange(first, height)));
      first += height;
    }
    writer.writeWhole(whole);
    for (int first = 0; first < rows; ) {
      int height = Math.min(rows - first, step * (1 + random.nextInt(9)));
      RowRange some = new RowRange(first, height);
      EncodedTile expected = all.slice(weight.encoding(), some);
      EncodedTile read = layout.read(some, source(stored));
      for (String part : expected.names()) {
        assertThat(read.part(part)).as(part).isEqualTo(expected.part(part));
      }
      whole.forEach((name, cells) -> assertThat(read.part(name)).isEqualTo(cells));
      first += height;
    }
  }

  @Provide
  Arbitrary<Form> forms() {
    return Arbitraries.of(Form.values());
  }
}
