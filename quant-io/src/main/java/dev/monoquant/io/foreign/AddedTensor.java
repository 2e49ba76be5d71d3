package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A layout that also stores a tensor which follows from the weight and is not a part of it. */
final class AddedTensor implements WeightLayout {

  private final WeightLayout inner;
  private final TensorInfo added;
  private final Supplier<byte[]> bytes;

  /**
   * Makes the layout.
   *
   * @param inner the layout of the parts
   * @param added the tensor
   * @param bytes makes its bytes
   */
  AddedTensor(WeightLayout inner, TensorInfo added, Supplier<byte[]> bytes) {
    this.inner = inner;
    this.added = added;
    this.bytes = bytes;
  }

  @Override
  public List<TensorInfo> tensors() {
    List<TensorInfo> tensors = new ArrayList<>(inner.tensors());
    tensors.add(added);
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
        sink.write(added, 0, ByteBuffer.wrap(bytes.get()));
      }
    };
  }
}
