package dev.monoquant.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** A tensor for each part: the laws of layouts, and the shapes and orders of its documentation. */
class TensorPerPartTest {

  private static final Order[] LINES = {
    Order.ROWS, Order.COLUMNS, Order.TRANSPOSED_ROWS, Order.TRANSPOSED_COLUMNS
  };

  /**
   * How a part is stored.
   *
   * @param part the part
   * @param packing of its cells
   * @param order of its cells
   */
  record Stored(Part part, Packing packing, Order order) {}

  @Property
  void givesBackWhatItStored(
      @ForAll("matrices") WeightMatrix matrix,
      @ForAll("parts") List<Stored> parts,
      @ForAll long seed)
      throws IOException {
    new LayoutLaws(matrix, encoding(parts), layout(matrix, parts)).check(seed);
  }

  @Property
  void takesAsManyBytesAsThePartsSay(
      @ForAll("matrices") WeightMatrix matrix, @ForAll("parts") List<Stored> parts) {
    TensorPerPart layout = layout(matrix, parts);
    for (Stored stored : parts) {
      Part part = stored.part();
      long bytes = layout.tensor(part.name()).bytes();
      if (stored.packing() == Packing.CELLS) {
        assertThat(bytes).isEqualTo(part.tileBytes(matrix.rowCount(), matrix.columnCount()));
      } else if (stored.packing() == Packing.BITS && stored.order() == Order.ROWS) {
        assertThat(bytes).isEqualTo(part.packedBytes(matrix.rowCount(), matrix.columnCount()));
      }
    }
  }

  @Test
  void ordersCellsAsDrawn() throws IOException {
    Part codes = Part.perElement("codes", ElementType.UINT4);
    WeightMatrix rows = matrix(0, 3, 2);
    assertThat(stored(rows, codes, new Storage("t", Packing.BITS)))
        .containsExactly(0xba, 0xdc, 0xfe);
    assertThat(stored(rows, codes, new Storage("t", Packing.BITS, Order.COLUMNS)))
        .containsExactly(0xca, 0xdb, 0x0e, 0x0f);
    assertThat(stored(matrix(1, 2, 3), codes, new Storage("t", Packing.CELLS, Order.TENSOR)))
        .containsExactly(0xa, 0xc, 0xe, 0xb, 0xd, 0xf);
    assertThat(stored(rows, codes, new Storage("t", Packing.BITS, Order.TRANSPOSED_ROWS)))
        .containsExactly(0xba, 0xdc, 0xfe);
    assertThat(stored(rows, codes, new Storage("t", Packing.CELLS, Order.TRANSPOSED_ROWS)))
        .containsExactly(0xa, 0xc, 0xe, 0xb, 0xd, 0xf);
    assertThat(stored(rows, codes, new Storage("t", Packing.BITS, Order.TRANSPOSED_COLUMNS)))
        .containsExactly(0xca, 0x0e, 0xdb, 0x0f);
  }

  /** The cells a to f, in tiles of one row. */
  private static int[] stored(WeightMatrix matrix, Part codes, Storage storage) throws IOException {
    TensorPerPart layout = new TensorPerPart(matrix, Encoding.opaque(codes), part -> storage);
    ByteBuffer bytes = ByteBuffer.allocate((int) layout.tensor("codes").bytes());
    WeightLayout.Writer writer =
        layout.writer((tensor, offset, data) -> bytes.position((int) offset).put(data));
    for (int row = 0; row < 3; row++) {
      byte[] cells = {(byte) (0xa + 2 * row), (byte) (0xb + 2 * row)};
      writer.writeTile(new EncodedTile(row, 1, Map.of("codes", cells)));
    }
    bytes.clear();
    int[] values = new int[bytes.capacity()];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.get(i) & 0xff;
    }
    return values;
  }

  @Test
  void keepsTheAxesOfTheWeightWhereAnElementIsACell() {
    WeightMatrix matrix = matrix(1, 4, 6, 3, 5);
    Part codes = Part.perElement("codes", ElementType.INT8);
    Part scale = Part.perGroup("scale", ElementType.FLOAT16, 32);
    Part table = new Part("table", ElementType.FLOAT4, new Part.Whole(TensorShape.of(2, 5)));
    Part zero = Part.perGroup("zero", ElementType.INT3, 32);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            Encoding.opaque(codes, scale, table, zero),
            part ->
                part.equals(zero)
                    ? new Storage("w_zero", Packing.WORDS, Order.COLUMNS)
                    : new Storage("w_" + part.name(), Packing.BITS));
    assertThat(layout.tensors())
        .containsExactly(
            new TensorInfo("w_codes", ElementType.INT8, TensorShape.of(6, 4, 3, 5), "shard"),
            new TensorInfo("w_scale", ElementType.FLOAT16, TensorShape.of(6, 2), "shard"),
            new TensorInfo("w_table", ElementType.UINT8, TensorShape.of(2, 3), "shard"),
            new TensorInfo("w_zero", ElementType.INT32, TensorShape.of(1, 2), "shard"));
  }

  @Test
  void refusesWhatCannotBeStoredSo() {
    WeightMatrix matrix = matrix(0, 4, 6);
    Part whole = Part.perTensor("level", ElementType.INT4);
    Part row = Part.perRow("scale", ElementType.FLOAT32);
    assertThatThrownBy(() -> layout(matrix, stored(whole, Packing.BITS, Order.COLUMNS)))
        .hasMessageContaining("part level of w.weight, extent Whole");
    assertThatThrownBy(() -> layout(matrix, stored(row, Packing.CELLS, Order.TENSOR)))
        .hasMessageContaining("cannot be stored as CELLS in the order TENSOR");
    assertThatThrownBy(() -> layout(matrix, stored(row, Packing.WORDS, Order.ROWS)))
        .hasMessageContaining("cells of type F32 cannot be stored in words");
    Part three = Part.perElement("codes", ElementType.INT3);
    assertThatThrownBy(() -> layout(matrix, stored(three, Packing.EVEN_ODD, Order.ROWS)))
        .hasMessage("cells of type I3 cannot be stored as even and odd ones; 4 bits can");
  }

  @Test
  void refusesTilesThatDoNotFit() {
    WeightMatrix matrix = matrix(0, 4, 6);
    Part codes = Part.perElement("codes", ElementType.INT8);
    Part scale = Part.perBlock("scale", ElementType.FLOAT32, 2, 6);
    Part level = Part.perTensor("level", ElementType.INT8);
    TensorPerPart layout =
        new TensorPerPart(
            matrix,
            Encoding.opaque(codes, scale, level),
            part -> new Storage(part.name(), Packing.BITS));
    WeightLayout.Writer writer = layout.writer((tensor, offset, data) -> {});
    Map<String, byte[]> parts = Map.of("codes", new byte[12], "scale", new byte[3]);
    assertThatThrownBy(() -> writer.writeTile(new EncodedTile(1, 2, parts)))
        .hasMessage("rows 1 to 3 of w.weight, which has 4; tiles start and end at multiples of 2");
    assertThatThrownBy(() -> writer.writeTile(new EncodedTile(0, 1, parts)))
        .hasMessageStartingWith("rows 0 to 1");
    assertThatThrownBy(() -> writer.writeTile(new EncodedTile(0, 2, parts)))
        .hasMessage("part scale of w.weight has 3 bytes, 4 are needed");
    assertThatThrownBy(() -> writer.writeWhole(Map.of()))
        .hasMessage("no part level of w.weight among []");
    assertThatThrownBy(() -> layout.read(new RowRange(0, 6), (t, o, n) -> ByteBuffer.allocate(n)))
        .hasMessageStartingWith("rows 0 to 6");
  }

  private static List<Stored> stored(Part part, Packing packing, Order order) {
    return List.of(new Stored(part, packing, order));
  }

  private static TensorPerPart layout(WeightMatrix matrix, List<Stored> parts) {
    Map<Part, Stored> byPart = new LinkedHashMap<>();
    parts.forEach(stored -> byPart.put(stored.part(), stored));
    return new TensorPerPart(
        matrix,
        encoding(parts),
        part ->
            new Storage("w_" + part.name(), byPart.get(part).packing(), byPart.get(part).order()));
  }

  private static Encoding encoding(List<Stored> parts) {
    return Encoding.opaque(parts.stream().map(Stored::part).toArray(Part[]::new));
  }

  private static WeightMatrix matrix(int axis, long... dims) {
    TensorInfo tensor =
        new TensorInfo("w.weight", ElementType.FLOAT32, TensorShape.of(dims), "shard");
    return new WeightMatrix("w", LayerKind.LINEAR, "weight", tensor, axis);
  }

  @Provide
  Arbitrary<WeightMatrix> matrices() {
    Arbitrary<long[]> shapes =
        Arbitraries.oneOf(
            Arbitraries.longs().between(1, 90).array(long[].class).ofSize(2),
            Arbitraries.longs().between(1, 7).array(long[].class).ofMinSize(1).ofMaxSize(4));
    return Combinators.combine(shapes, Arbitraries.integers().between(0, 3))
        .as((dims, axis) -> matrix(axis % dims.length, dims));
  }

  @Provide
  Arbitrary<List<Stored>> parts() {
    return Arbitraries.longs().map(TensorPerPartTest::parts);
  }

  /** Up to four parts of any extent and type, each stored in one of the ways that it can be. */
  private static List<Stored> parts(long seed) {
    Random random = new Random(seed);
    List<Stored> parts = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      ElementType[] types = ElementType.values();
      ElementType type = types[random.nextInt(types.length)];
      String name = "part" + i;
      Part part =
          switch (random.nextInt(6)) {
            case 0, 1 -> Part.perElement(name, type);
            case 2 -> Part.perGroup(name, type, 1 + random.nextInt(40));
            case 3 -> Part.perBlock(name, type, 1 + random.nextInt(3), 1 + random.nextInt(9));
            case 4 -> Part.runPerRow(name, type, 1 + random.nextInt(20));
            default -> new Part(name, type, new Part.Whole(whole(random)));
          };
      Packing[] packings = Packing.values();
      int allowed = type.bits() == 4 ? packings.length : packings.length - 1;
      Packing packing = packings[random.nextInt(type.isCode() ? allowed : 2)];
      Order order = part.tiled() ? LINES[random.nextInt(LINES.length)] : Order.ROWS;
      if (part.isPerElement() && packing == Packing.CELLS && random.nextBoolean()) {
        order = Order.TENSOR;
      }
      parts.add(new Stored(part, packing, order));
    }
    return parts;
  }

  private static TensorShape whole(Random random) {
    long[] dims = new long[random.nextInt(4)];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = random.nextInt(12);
    }
    return TensorShape.of(dims);
  }
}
