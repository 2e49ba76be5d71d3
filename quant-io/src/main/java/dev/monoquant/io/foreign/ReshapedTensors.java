package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** A layout whose tensors have the same bytes in other shapes. */
final class ReshapedTensors implements WeightLayout {

  private final WeightLayout inner;
  private final Map<String, TensorShape> shapes;

  /**
   * Makes the layout.
   *
   * @param inner the layout of the parts
   * @param shapes the shape of each tensor, by its name; those of others stay
   */
  ReshapedTensors(WeightLayout inner, Map<String, TensorShape> shapes) {
    this.inner = inner;
    this.shapes = Map.copyOf(shapes);
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors().stream().map(this::reshaped).toList();
  }

  private TensorInfo reshaped(TensorInfo tensor) {
    TensorShape shape = shapes.getOrDefault(tensor.name(), tensor.shape());
    return new TensorInfo(tensor.name(), tensor.type(), shape, tensor.shard());
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return inner.read(
        rows, (tensor, offset, length) -> source.read(reshaped(tensor), offset, length));
  }

  @Override
  public Writer writer(Sink sink) {
    return inner.writer((tensor, offset, data) -> sink.write(reshaped(tensor), offset, data));
  }
}
