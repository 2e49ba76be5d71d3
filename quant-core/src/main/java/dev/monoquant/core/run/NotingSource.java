package dev.monoquant.core.run;

import dev.monoquant.files.model.SourceView;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A model that notes which of its tensors are read, so that the tensors behind those of a view with
 * other names are found. Thread-safe but for {@link #behind}, during which no other thread reads.
 * Closing it closes the model.
 */
public final class NotingSource extends SourceView {

  private final Set<String> names = ConcurrentHashMap.newKeySet();

  /**
   * Watches a model.
   *
   * @param inside the model
   */
  public NotingSource(ModelSource inside) {
    super(inside);
  }

  /**
   * {@return the names of the tensors of this model that a tensor is made of} It is told by reading
   * one number, of a tensor of more than two dimensions one of each part along the first, since it
   * may be made of the matrices of experts.
   *
   * @param view a view of this model
   * @param tensor one of the plain tensors of the view
   */
  public Set<String> behind(ModelSource view, TensorInfo tensor) throws IOException {
    names.clear();
    if (tensor.bytes() > 0) {
      long parts = tensor.shape().rank() > 2 ? tensor.shape().dim(0) : 1;
      for (long part = 0; part < parts; part++) {
        view.read(tensor, part * (tensor.bytes() / parts), tensor.type().cellBytes());
      }
    }
    return Set.copyOf(names);
  }

  @Override
  public ModelInfo info() {
    return inside().info();
  }

  @Override
  protected boolean isOwn(String tensor) {
    return true;
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    names.add(tensor.name());
    return inside().read(tensor, offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    names.add(matrix.tensor().name());
    inside().readRows(matrix, rows, into);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    names.add(weight.name());
    return inside().readTile(weight, rows);
  }

  @Override
  public Origin origin(TensorInfo tensor) {
    return inside().origin(tensor);
  }
}
