package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Delegates every call to another source: a base class for decorators. It also delegates default
 * methods, so that no behaviour of the wrapped source is lost; but not {@link #origin}, since a
 * decorator may change the data. Closing it closes the wrapped source.
 */
public class ForwardingSource implements ModelSource {

  private final ModelSource inside;

  /**
   * Wraps a source.
   *
   * @param inside the wrapped source
   */
  public ForwardingSource(ModelSource inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public ModelInfo info() {
    return inside.info();
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return inside.read(tensor, offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    inside.readRows(matrix, rows, into);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    return inside.readTile(weight, rows);
  }

  @Override
  public long storedBytes(EncodedWeight weight) {
    return inside.storedBytes(weight);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return inside.find(capability);
  }

  @Override
  public void close() {
    inside.close();
  }
}
