package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
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

  /** Any bytes are blocks, and every bit of them is in a part. */
  @Property
  void storesWhatItRead(
      @ForAll("types") GgmlType type,
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
