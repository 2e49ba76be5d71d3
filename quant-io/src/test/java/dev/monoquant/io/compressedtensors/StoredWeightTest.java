package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.layout.Packing;
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
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Each way of storing a weight, also those of other tools that are only read, both ways. */
class StoredWeightTest {

  private static final int GROUP = 8;

  @Property
  void readsWhatItWrites(
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll @IntRange(min = 1, max = 70) int rows,
      @ForAll @IntRange(min = 1, max = 5) int groups,
      @ForAll("packings") Packing codes,
      @ForAll("packings") Packing points,
      @ForAll long seed)
      throws IOException {
    EncodedWeight weight = weight(bits, rows, groups);
    StoredWeight layout =
        codes == Packing.CELLS
            ? new CellQuantized(weight, "x.safetensors")
            : new PackQuantized(weight, codes, points);
    Random random = new Random(seed);
    EncodedTile all = tile(weight, random);
    Map<String, byte[]> stored = new LinkedHashMap<>();
    layout.tensors().forEach(t -> stored.put(t.name(), new byte[(int) t.bytes()]));
    WeightLayout.Writer writer =
        layout.writer(
            (tensor, offset, data) ->
                data.get(stored.get(tensor.name()), (int) offset, data.remaining()));
    for (int first = 0; first < rows; ) {
      int height = Math.min(rows - first, 1 + random.nextInt(9));
      writer.writeTile(all.slice(weight.encoding(), new RowRange(first, height)));
      first += height;
    }
    writer.writeWhole(Map.of());
    if (codes != Packing.CELLS) {
      ByteBuffer shape = ByteBuffer.wrap(stored.get("m.weight_shape"));
      assertThat(Long.reverseBytes(shape.getLong())).isEqualTo(rows);
      assertThat(Long.reverseBytes(shape.getLong())).isEqualTo((long) groups * GROUP);
    }
    for (int first = 0; first < rows; ) {
      int height = Math.min(rows - first, 1 + random.nextInt(40));
      RowRange some = new RowRange(first, height);
      EncodedTile expected = all.slice(weight.encoding(), some);
      EncodedTile read = layout.read(some, source(stored));
      for (String part : expected.names()) {
        assertThat(read.part(part)).as(part).isEqualTo(expected.part(part));
      }
      first += height;
    }
  }

  @Provide
  Arbitrary<Packing> packings() {
    return Arbitraries.of(Packing.CELLS, Packing.WORDS, Packing.PADDED_WORDS);
  }

  @Example
  void refusesBytesThatAreNoCodes() throws IOException {
    for (String part : new String[] {"m.weight", "m.weight_zero_point"}) {
      EncodedWeight weight = weight(4, 3, 1);
      StoredWeight layout = new CellQuantized(weight, "x.safetensors");
      Map<String, byte[]> stored = new LinkedHashMap<>();
      layout.tensors().forEach(t -> stored.put(t.name(), new byte[(int) t.bytes()]));
      stored.get(part)[2] = -8;
      assertThat(layout.read(new RowRange(0, 3), source(stored)).height()).isEqualTo(3);
      stored.get(part)[2] = 8;
      assertThatThrownBy(() -> layout.read(new RowRange(0, 3), source(stored)))
          .isInstanceOfSatisfying(
              ModelFormatException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.TENSOR_BOUNDS))
          .hasMessage(
              "x.safetensors: tensor \""
                  + part
                  + "\": holds 8, which is no signed code of 4 bits. The file is damaged; fetch it"
                  + " again.");
    }
  }

  private static WeightLayout.Source source(Map<String, byte[]> stored) {
    return (tensor, offset, length) ->
        ByteBuffer.wrap(stored.get(tensor.name()), (int) offset, length).slice();
  }

  private static EncodedWeight weight(int bits, int rows, int groups) {
    ElementType code = ElementType.code(bits, true);
    TensorInfo tensor =
        new TensorInfo(
            "m.weight", ElementType.FLOAT16, TensorShape.of(rows, (long) groups * GROUP));
    return new EncodedWeight(
        new WeightMatrix("m", LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("int" + bits, 1),
        OptionValues.of(bits, false, Granularity.group(GROUP)),
        Encoding.affine(
            Part.perElement(Part.CODES, code),
            Part.perGroup(Part.SCALE, ElementType.FLOAT16, GROUP),
            Part.perGroup(Part.ZERO_POINT, code, GROUP)));
  }

  /** All rows, with every code that there is. */
  private static EncodedTile tile(EncodedWeight weight, Random random) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    int rows = (int) weight.matrix().rowCount();
    for (Part part : weight.encoding().parts()) {
      byte[] cells = new byte[(int) part.tileBytes(rows, weight.matrix().columnCount())];
      random.nextBytes(cells);
      for (int i = 0; part.type().isCode() && i < cells.length; i++) {
        int unused = Integer.SIZE - part.type().bits();
        cells[i] = (byte) (cells[i] << unused >> unused);
      }
      parts.put(part.name(), cells);
    }
    return new EncodedTile(0, rows, parts);
  }
}
