package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A layout that adds a part which is the same for every weight and is not stored. */
final class ConstantPart implements WeightLayout {

  private final WeightLayout inner;
  private final Part part;
  private final byte[] cells;

  ConstantPart(WeightLayout inner, Part part, byte[] cells) {
    this.inner = inner;
    this.part = part;
    this.cells = cells.clone();
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return inner.read(rows, source).with(Map.of(part.name(), cells.clone()));
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(tile);
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        if (!Arrays.equals(parts.get(part.name()), cells)) {
          throw new IllegalArgumentException(
              "part " + part.name() + " has other values than the layout allows");
        }
        writer.writeWhole(parts);
      }
    };
  }
}
