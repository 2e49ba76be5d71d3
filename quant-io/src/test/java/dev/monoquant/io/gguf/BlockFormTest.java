package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.OutputException;
import dev.monoquant.files.gguf.GgmlType;
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
import java.io.IOException;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Blocks of every type in both directions. */
class BlockFormTest {

  @Provide
  Arbitrary<GgmlType> types() {
    return Arbitraries.of(
        Stream.of(GgmlType.values()).filter(t -> BlockForm.of(t).isPresent()).toList());
  }

  private static BlockLayout layout(GgmlType type, int rows, int blocks) {
    TensorInfo tensor =
        new TensorInfo(
            "w.weight", ElementType.FLOAT32, TensorShape.of(rows, (long) blocks * type.numbers()));
    return new BlockLayout(
        new WeightMatrix("w", LayerKind.LINEAR, "weight", tensor, 0),
        BlockForm.of(type).orElseThrow());
  }

  /** Of TQ1_0, only some bytes are made of digits. */
  @Provide
  Arbitrary<GgmlType> exact() {
    return types().filter(type -> type != GgmlType.TQ1_0);
  }

  /** Any bytes are blocks, and every bit of them is in a part. */
  @Property
  void storesWhatItRead(
      @ForAll("exact") GgmlType type,
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 1, max = 3) int blocks,
      @ForAll @IntRange(min = 1, max = 4) int height,
      @ForAll long seed)
      throws IOException {
    BlockLayout layout = layout(type, rows, blocks);
    byte[] stored = new byte[rows * blocks * type.bytes()];
    new Random(seed).nextBytes(stored);
    byte[] again = new byte[stored.length];
    var writer =
        layout.writer((tensor, offset, data) -> data.get(again, (int) offset, data.remaining()));
    Map<String, byte[]> whole = Map.of();
    for (int row = 0; row < rows; row += height) {
      RowRange some = new RowRange(row, Math.min(height, rows - row));
      EncodedTile tile =
          layout.read(
              some,
              (tensor, offset, length) ->
                  ByteBuffer.wrap(stored, (int) offset, length)
                      .slice()
                      .order(ByteOrder.LITTLE_ENDIAN));
      for (var part : layout.form().encoding().parts()) {
        assertThat(tile.part(part.name()))
            .hasSize((int) part.tileBytes(some.height(), (long) blocks * type.numbers()));
      }
      writer.writeTile(tile);
      whole = layout.form().whole();
    }
    writer.writeWhole(whole);
    assertThat(again).isEqualTo(stored);
  }

  /**
   * Blocks in an array, at any place of it and in any order of bytes, are those of other memory.
   */
  @Property
  void writesIntoAnyMemory(
      @ForAll("types") GgmlType type,
      @ForAll @IntRange(min = 1, max = 5) int count,
      @ForAll @IntRange(max = 9) int before,
      @ForAll @IntRange(max = 9) int behind,
      @ForAll boolean little,
      @ForAll long seed) {
    BlockForm form = BlockForm.of(type).orElseThrow();
    byte[] stored = new byte[count * type.bytes()];
    new Random(seed).nextBytes(stored);
    EncodedTile tile = new EncodedTile(0, 1, form.read(ByteBuffer.wrap(stored), count));
    ByteBuffer direct = ByteBuffer.allocateDirect(stored.length).order(ByteOrder.LITTLE_ENDIAN);
    form.write(tile, count, direct);
    byte[] wanted = new byte[stored.length];
    direct.flip().get(wanted);

    byte[] whole = new byte[3 + before + stored.length + behind];
    Arrays.fill(whole, (byte) 0x55);
    byte[] around = whole.clone();
    System.arraycopy(wanted, 0, around, 3 + before, wanted.length);
    ByteBuffer slice = ByteBuffer.wrap(whole, 3, whole.length - 3).slice();
    slice.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN).position(before);
    form.write(tile, count, slice);
    assertThat(slice.position()).isEqualTo(before + stored.length);
    assertThat(whole).isEqualTo(around);

    slice.position(before).limit(before + stored.length - 1);
    Arrays.fill(whole, (byte) 0x55);
    assertThatThrownBy(() -> form.write(tile, count, slice))
        .isInstanceOf(BufferOverflowException.class);
    assertThat(whole).containsOnly(0x55);
  }

  /** Codes are within their type, so that the framework's checks accept them. */
  @Property
  void codesAreOfTheirType(@ForAll("types") GgmlType type, @ForAll long seed) throws IOException {
    BlockForm form = BlockForm.of(type).orElseThrow();
    byte[] block = new byte[type.bytes()];
    new Random(seed).nextBytes(block);
    Map<String, byte[]> parts = form.read(ByteBuffer.wrap(block), 1);
    for (var part : form.encoding().parts()) {
      if (part.type().isCode()) {
        for (byte cell : parts.get(part.name())) {
          assertThat((int) cell).isBetween(part.type().minCode(), part.type().maxCode());
        }
      }
    }
  }

  /** All bytes are read; those of digits stay, and others become those of the same digits. */
  @Property
  void keepsTheDigitsOfAnyByte(@ForAll long seed) {
    BlockForm form = BlockForm.of(GgmlType.TQ1_0).orElseThrow();
    byte[] stored = new byte[GgmlType.TQ1_0.bytes()];
    new Random(seed).nextBytes(stored);
    Map<String, byte[]> parts = form.read(ByteBuffer.wrap(stored), 1);
    ByteBuffer once = ByteBuffer.allocate(stored.length);
    form.write(new EncodedTile(0, 1, parts), 1, once);
    assertThat(form.read(once.flip(), 1).get("codes")).isEqualTo(parts.get("codes"));
    ByteBuffer twice = ByteBuffer.allocate(stored.length);
    form.write(new EncodedTile(0, 1, form.read(once.rewind(), 1)), 1, twice);
    assertThat(twice.array()).isEqualTo(once.array());
  }

  /** Five digits 0, 1, 2, 2, 1 are 52, and ceil(52 * 256 / 243) is 55. */
  @Test
  void drawsTrits() {
    byte[][] cells = {new byte[256]};
    byte[] digits = {0, 1, 2, 2, 1};
    for (int s = 0; s < 5; s++) {
      cells[0][32 * s] = digits[s];
    }
    ByteBuffer out = ByteBuffer.allocate(32);
    new BlockField.Trits(0, 0, 32, 5).write(out, cells, 0);
    assertThat(out.get(0)).isEqualTo((byte) 55);
    byte[][] again = {new byte[256]};
    new BlockField.Trits(0, 0, 32, 5).read(out.flip(), again, 0);
    assertThat(again[0]).isEqualTo(cells[0]);
    cells[0][0] = 3;
    assertThatThrownBy(() -> new BlockField.Trits(0, 0, 32, 5).write(out.clear(), cells, 0))
        .hasMessageContaining("the code 3 is none of 0, 1 and 2");
  }

  /** Codes that are no vector, signs that no seven bits give, and scales are refused. */
  @Test
  void onlyVectorsAreWritten() {
    BlockForm form = BlockForm.of(GgmlType.IQ2_XXS).orElseThrow();
    byte[] zeros = new byte[GgmlType.IQ2_XXS.bytes()];
    assertThat(form.read(ByteBuffer.wrap(zeros), 1).get("codes")).containsOnly(8);
    assertRefused(form, zeros, parts -> parts.get("codes")[0] = 25, "no vector of IQ2_XXS");
    assertRefused(form, zeros, parts -> parts.get("codes")[9] = -8, "no vector of IQ2_XXS");
    assertRefused(form, zeros, parts -> parts.get("scale")[1] = 0, "the scale");
    BlockForm eighths = BlockForm.of(GgmlType.IQ1_S).orElseThrow();
    byte[] block = new byte[GgmlType.IQ1_S.bytes()];
    assertThat(eighths.read(ByteBuffer.wrap(block), 1).get("codes")).containsOnly(-7);
    assertRefused(eighths, block, parts -> parts.get("codes")[3] = -9, "no vector of IQ1_S");
  }

  private static void assertRefused(
      BlockForm form, byte[] block, Consumer<Map<String, byte[]>> change, String message) {
    Map<String, byte[]> parts = form.read(ByteBuffer.wrap(block), 1);
    change.accept(parts);
    assertThatThrownBy(
            () -> form.write(new EncodedTile(0, 1, parts), 1, ByteBuffer.allocate(block.length)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  /** A damaged file has such codes: a fault of the input, which names the weight. */
  @Test
  void whatTheTypeCannotHoldIsRefusedWithTheNameOfTheWeight() {
    BlockLayout layout = layout(GgmlType.IQ2_XXS, 1, 1);
    Map<String, byte[]> parts =
        layout.form().read(ByteBuffer.allocate(GgmlType.IQ2_XXS.bytes()), 1);
    parts.get("codes")[0] = 25;
    assertThatThrownBy(() -> layout.writer((t, o, d) -> {}).writeTile(new EncodedTile(0, 1, parts)))
        .isInstanceOf(OutputException.class)
        .hasMessageStartingWith("tensor \"" + layout.matrix().tensor().name() + "\": the codes");
    parts.put("codes", new byte[255]);
    assertThatThrownBy(() -> layout.writer((t, o, d) -> {}).writeTile(new EncodedTile(0, 1, parts)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("part codes needs 256 bytes");
  }

  /** Equal parts of another scheme are stored as a type that takes any codes, or not at all. */
  @Test
  void typesWithTablesAreForTheirOwnWeights() {
    for (GgmlType type : GgmlType.values()) {
      BlockForm.of(type)
          .ifPresent(form -> assertThat(BlockForm.of(weight(form, form.scheme()))).contains(form));
    }
    assertThat(BlockForm.of(weight(BlockForm.of(GgmlType.IQ2_XS).orElseThrow(), "other")))
        .isEmpty();
    assertThat(
            BlockForm.of(weight(BlockForm.of(GgmlType.TQ1_0).orElseThrow(), "other"))
                .map(BlockForm::type))
        .contains(GgmlType.TQ2_0);
  }

  private static EncodedWeight weight(BlockForm form, String scheme) {
    return new EncodedWeight(
        layout(form.type(), 1, 1).matrix(),
        new SchemeId(scheme, 1),
        OptionValues.DEFAULTS,
        form.encoding());
  }

  /** The drawing of two fields, bit by bit. */
  @Test
  void drawsSixBits() {
    byte[][] cells = {new byte[8], new byte[8]};
    for (int i = 0; i < 8; i++) {
      cells[0][i] = (byte) (0b100000 + i);
      cells[1][i] = (byte) (0b010000 + i);
    }
    ByteBuffer out = ByteBuffer.allocate(12);
    new BlockField.SixBits(0, 1).write(out, cells, 0);
    assertThat(out.array())
        .containsExactly(
            0b10_100000,
            0b10_100001,
            0b10_100010,
            0b10_100011, // scales 0 to 3
            0b01_010000,
            0b01_010001,
            0b01_010010,
            0b01_010011, // minimums 0 to 3
            0b0100_0100,
            0b0101_0101,
            0b0110_0110,
            0b0111_0111); // low bits of 4 to 7
  }

  @Test
  void drawsPlanes() {
    byte[][] cells = {new byte[32]};
    for (int i = 0; i < 32; i++) {
      cells[0][i] = (byte) (i & 15);
    }
    cells[0][16] = 9;
    ByteBuffer out = ByteBuffer.allocate(16);
    new BlockField.Plane(0, 32, 4, 16, 0).write(out, cells, 0);
    assertThat(out.get(0)).isEqualTo((byte) 0x90);
    assertThat(out.get(15)).isEqualTo((byte) 0xff);
    new BlockField.Plane(0, 32, 4, 1, 0).write(out.clear(), cells, 0);
    assertThat(out.get(0)).isEqualTo((byte) 0x10);
    assertThat(out.get(1)).isEqualTo((byte) 0x32);
  }

  @Test
  void aLevelIsNotToBeChanged() {
    BlockLayout layout = layout(GgmlType.IQ4_NL, 1, 1);
    Map<String, byte[]> whole = layout.form().whole();
    byte[] other = whole.get("table").clone();
    other[2] ^= 1;
    assertThat(Arrays.equals(other, whole.get("table"))).isFalse();
    assertThatThrownBy(() -> layout.writer((t, o, d) -> {}).writeWhole(Map.of("table", other)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("table");
  }

  @Test
  void rowsAreWholeBlocks() {
    assertThatThrownBy(
            () ->
                new BlockLayout(
                    new WeightMatrix(
                        "w",
                        LayerKind.LINEAR,
                        "weight",
                        new TensorInfo("w.weight", ElementType.FLOAT32, TensorShape.of(4, 48)),
                        0),
                    BlockForm.of(GgmlType.Q4_0).orElseThrow()))
        .hasMessageContaining("no blocks of 32 numbers");
  }
}
