package dev.monoquant.layout;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** A layout that puts several parts into one tensor keeps the laws of layouts too. */
class InterleavedLayoutTest {

  /**
   * Rows of blocks of 32 numbers, 18 bytes each; codes are stored with an offset of 8:
   *
   * <pre>
   * bytes 0 and 1    the scale, F16 little-endian
   * byte 2 + i       bits 0 to 3: code i; bits 4 to 7: code i + 16
   * </pre>
   *
   * @param matrix the weight; its columns are a multiple of 32
   */
  record Nibbles(WeightMatrix matrix) implements WeightLayout {

    private static final int NUMBERS = 32;
    private static final int BYTES = 18;
    private static final Encoding ENCODING =
        Encoding.affine(
            Part.perElement("codes", ElementType.INT4),
            Part.perGroup("scale", ElementType.FLOAT16, NUMBERS));

    private int blocks() {
      return (int) matrix.columnCount() / NUMBERS;
    }

    private TensorInfo tensor() {
      TensorShape shape = TensorShape.of(matrix.rowCount(), (long) blocks() * BYTES);
      return new TensorInfo(matrix.tensor().name(), ElementType.UINT8, shape);
    }

    @Override
    public List<TensorInfo> tensors() {
      return List.of(tensor());
    }

    @Override
    public Writer writer(Sink sink) {
      return new Writer() {
        @Override
        public void writeTile(EncodedTile tile) throws IOException {
          ENCODING.checkRows(matrix, new RowRange(tile.firstRow(), tile.height()));
          byte[] codes = tile.part("codes");
          ByteBuffer out = ByteBuffer.allocate(tile.height() * blocks() * BYTES);
          for (int block = 0; block < tile.height() * blocks(); block++) {
            out.put(tile.part("scale"), 2 * block, 2);
            for (int i = block * NUMBERS; i < block * NUMBERS + NUMBERS / 2; i++) {
              out.put((byte) ((codes[i] + 8) | (codes[i + NUMBERS / 2] + 8) << 4));
            }
          }
          sink.write(tensor(), tile.firstRow() * blocks() * BYTES, out.flip());
        }

        @Override
        public void writeWhole(Map<String, byte[]> parts) {}
      };
    }

    @Override
    public EncodedTile read(RowRange rows, Source source) throws IOException {
      ENCODING.checkRows(matrix, rows);
      int length = rows.height() * blocks();
      ByteBuffer stored = source.read(tensor(), rows.first() * blocks() * BYTES, length * BYTES);
      byte[] codes = new byte[length * NUMBERS];
      byte[] scale = new byte[length * 2];
      for (int block = 0; block < length; block++) {
        stored.get(scale, 2 * block, 2);
        for (int i = block * NUMBERS; i < block * NUMBERS + NUMBERS / 2; i++) {
          int pair = stored.get() & 0xff;
          codes[i] = (byte) ((pair & 15) - 8);
          codes[i + NUMBERS / 2] = (byte) ((pair >> 4) - 8);
        }
      }
      return new EncodedTile(rows.first(), rows.height(), Map.of("codes", codes, "scale", scale));
    }
  }

  private static Nibbles nibbles(int rows, int blocks) {
    TensorInfo tensor =
        new TensorInfo(
            "w.weight", ElementType.FLOAT32, TensorShape.of(rows, (long) blocks * Nibbles.NUMBERS));
    return new Nibbles(new WeightMatrix("w", LayerKind.LINEAR, "weight", tensor, 0));
  }

  @Property
  void givesBackWhatItStored(
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 4) int blocks,
      @ForAll long seed)
      throws IOException {
    Nibbles layout = nibbles(rows, blocks);
    new LayoutLaws(layout.matrix(), Nibbles.ENCODING, layout).check(seed);
  }

  @Test
  void interleavesScalesAndCodes() throws IOException {
    Nibbles layout = nibbles(1, 1);
    byte[] codes = new byte[32];
    codes[0] = -8;
    codes[15] = 7;
    codes[16] = 1;
    codes[31] = -1;
    Map<String, byte[]> parts = Map.of("codes", codes, "scale", new byte[] {0x34, 0x12});
    byte[] block =
        new LayoutLaws(layout.matrix(), Nibbles.ENCODING, layout)
            .store(parts, List.of(new RowRange(0, 1)), new Random(1))
            .get(layout.tensor());
    assertThat(block).startsWith(0x34, 0x12, 0x90, 0x88).endsWith(0x88, 0x7f).hasSize(18);
  }
}
