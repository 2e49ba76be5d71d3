package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A layout in which the cells of one tiled part are stored in another way than in tiles. Cells are
 * changed in place, in a copy of the tile's.
 */
final class MappedPart implements WeightLayout {

  private final WeightLayout inner;
  private final String part;
  private final Consumer<byte[]> reading;
  private final Consumer<byte[]> writing;

  private MappedPart(
      WeightLayout inner, String part, Consumer<byte[]> reading, Consumer<byte[]> writing) {
    this.inner = inner;
    this.part = part;
    this.reading = reading;
    this.writing = writing;
  }

  /**
   * {@return a layout that stores codes less a number, modulo 2^bits}
   *
   * @param inner the layout of the codes
   * @param part the part with the codes
   * @param shift the number
   */
  static MappedPart shifted(WeightLayout inner, Part part, int shift) {
    return new MappedPart(
        inner,
        part.name(),
        cells -> add(cells, shift, part.type()),
        cells -> add(cells, -shift, part.type()));
  }

  /**
   * {@return a layout in which each byte holds the code of an even column in its high bits; rows
   * have an even number of codes}
   */
  static MappedPart swapped(WeightLayout inner, String part) {
    return new MappedPart(inner, part, MappedPart::swap, MappedPart::swap);
  }

  /** {@return a layout that stores floats of a type with the opposite sign} */
  static MappedPart negated(WeightLayout inner, String part, ElementType type) {
    Consumer<byte[]> negate =
        cells -> {
          for (int i = type.cellBytes() - 1; i < cells.length; i += type.cellBytes()) {
            cells[i] ^= (byte) 0x80;
          }
        };
    return new MappedPart(inner, part, negate, negate);
  }

  private static void add(byte[] cells, int number, ElementType code) {
    int unused = Integer.SIZE - code.bits();
    for (int i = 0; i < cells.length; i++) {
      int shifted = (cells[i] + number) << unused;
      cells[i] = (byte) (code.signed() ? shifted >> unused : shifted >>> unused);
    }
  }

  private static void swap(byte[] cells) {
    for (int i = 0; i < cells.length; i += 2) {
      byte even = cells[i];
      cells[i] = cells[i + 1];
      cells[i + 1] = even;
    }
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return mapped(inner.read(rows, source), reading);
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(mapped(tile, writing));
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }

  private EncodedTile mapped(EncodedTile tile, Consumer<byte[]> change) {
    byte[] cells = tile.part(part).clone();
    change.accept(cells);
    return tile.with(Map.of(part, cells));
  }
}
