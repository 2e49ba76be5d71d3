package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** A layout that stores the unsigned codes of one tiled part minus a constant, modulo 2^bits. */
final class ShiftedPart implements WeightLayout {

  private final WeightLayout inner;
  private final String part;
  private final int shift;
  private final int mask;

  ShiftedPart(WeightLayout inner, String part, int shift, int bits) {
    this.inner = inner;
    this.part = part;
    this.shift = shift;
    this.mask = (1 << bits) - 1;
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return shifted(inner.read(rows, source), shift);
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(shifted(tile, -shift));
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }

  private EncodedTile shifted(EncodedTile tile, int by) {
    byte[] cells = tile.part(part).clone();
    for (int i = 0; i < cells.length; i++) {
      cells[i] = (byte) ((cells[i] + by) & mask);
    }
    return tile.with(Map.of(part, cells));
  }
}
