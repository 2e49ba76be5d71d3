package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * A layout in which each byte holds the code of an even column in its high bits. Rows have an even
 * number of codes.
 */
final class SwappedPairs implements WeightLayout {

  private final WeightLayout inner;
  private final String codes;

  SwappedPairs(WeightLayout inner, String codes) {
    this.inner = inner;
    this.codes = codes;
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return swapped(inner.read(rows, source));
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(swapped(tile));
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }

  private EncodedTile swapped(EncodedTile tile) {
    byte[] cells = tile.part(codes).clone();
    for (int i = 0; i < cells.length; i += 2) {
      byte even = cells[i];
      cells[i] = cells[i + 1];
      cells[i + 1] = even;
    }
    return tile.with(Map.of(codes, cells));
  }
}
