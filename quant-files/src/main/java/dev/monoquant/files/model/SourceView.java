package dev.monoquant.files.model;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A model that is shown with other tensors: the view makes some of them, its own, and shows the
 * others as they are. A subclass describes what is shown ({@link #info}), says which tensors are
 * its own, and makes their bytes; nothing is copied.
 *
 * <p>The view is a capability of itself: {@link #find} of its class gives the view. Thread-safe if
 * the subclass is. Closing it closes the model.
 *
 * <p>What this does not do: it does not change quantized weights.
 */
public abstract class SourceView implements ModelSource {

  private final ModelSource inside;

  /**
   * Shows a model.
   *
   * @param inside the model
   */
  protected SourceView(ModelSource inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  /** {@return the model} */
  protected final ModelSource inside() {
    return inside;
  }

  /**
   * {@return whether the view makes a tensor}
   *
   * @param tensor the name of one of the plain tensors of {@link #info}
   */
  protected abstract boolean isOwn(String tensor);

  /**
   * Reads a piece of an own tensor, as {@link #read} does.
   *
   * @param tensor an own tensor
   * @param offset first byte within the tensor's contiguous data
   * @param length bytes to read
   * @return a read-only little-endian buffer with {@code length} bytes remaining
   * @throws IOException if reading fails
   */
  protected abstract ByteBuffer readOwn(TensorInfo tensor, long offset, int length)
      throws IOException;

  @Override
  public final ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return isOwn(tensor.name())
        ? readOwn(tensor, offset, length)
        : inside.read(tensor, offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    if (isOwn(matrix.tensor().name())) {
      ModelSource.super.readRows(matrix, rows, into);
    } else {
      inside.readRows(matrix, rows, into);
    }
  }

  @Override
  public Origin origin(TensorInfo tensor) {
    return isOwn(tensor.name()) ? ModelSource.super.origin(tensor) : inside.origin(tensor);
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
    return capability == getClass() ? Optional.of(capability.cast(this)) : inside.find(capability);
  }

  @Override
  public void close() {
    inside.close();
  }
}
