package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A layout that also stores the group of each column, where groups are runs of columns. */
final class OrderedIndex implements WeightLayout {

  private final WeightLayout inner;
  private final TensorInfo index;
  private final long group;

  /**
   * Makes the layout.
   *
   * @param inner the layout of the parts
   * @param matrix the weight
   * @param name the name of the tensor
   * @param group columns in a group
   */
  OrderedIndex(WeightLayout inner, WeightMatrix matrix, String name, long group) {
    this.inner = inner;
    this.group = group;
    this.index =
        new TensorInfo(
            name, ElementType.INT32, TensorShape.of(matrix.columnCount()), matrix.tensor().shard());
  }

  @Override
  public List<TensorInfo> tensors() {
    List<TensorInfo> tensors = new ArrayList<>(inner.tensors());
    tensors.add(index);
    return tensors;
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return inner.read(rows, source);
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
        writer.writeWhole(parts);
        ByteBuffer groups =
            ByteBuffer.allocate(Math.toIntExact(index.bytes())).order(ByteOrder.LITTLE_ENDIAN);
        for (int column = 0; groups.hasRemaining(); column++) {
          groups.putInt((int) (column / group));
        }
        sink.write(index, 0, groups.flip());
      }
    };
  }
}
