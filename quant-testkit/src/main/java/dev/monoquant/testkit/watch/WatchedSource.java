package dev.monoquant.testkit.watch;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Records breaches of the protocol by an open model. */
final class WatchedSource extends ForwardingSource {

  private final String subject;
  private final Breaches breaches;
  private final AtomicInteger closes = new AtomicInteger();

  WatchedSource(ModelSource inside, String subject, Breaches breaches) {
    super(inside);
    this.subject = subject;
    this.breaches = breaches;
    breaches.atEnd(
        () -> {
          if (closes.get() == 0) {
            breaches.note(subject, "the source of " + inside.info().name() + " is never closed");
          }
        });
  }

  private void open(String what) {
    if (closes.get() > 0) {
      breaches.note(subject, what + " is read after the source was closed");
    }
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    open(tensor.name());
    if (offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      breaches.note(
          subject,
          tensor.name() + ": bytes " + offset + " to " + (offset + length) + " are asked for");
    }
    ByteBuffer data = super.read(tensor, offset, length);
    if (data.remaining() != length
        || !data.isReadOnly()
        || data.order() != ByteOrder.LITTLE_ENDIAN) {
      breaches.note(subject, tensor.name() + ": " + length + " bytes asked for, got " + data);
    }
    return data;
  }

  /** Compares the rows with their decoded bytes; reading these bytes is also watched. */
  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    String tensor = matrix.tensor().name();
    open(tensor);
    super.readRows(matrix, rows, into);
    float[] expected = into.clone();
    ModelSource bytes =
        new ModelSource() {
          @Override
          public ModelInfo info() {
            return WatchedSource.this.info();
          }

          @Override
          public ByteBuffer read(TensorInfo piece, long offset, int length) throws IOException {
            return WatchedSource.this.read(piece, offset, length);
          }

          @Override
          public void close() {}
        };
    bytes.readRows(matrix, rows, expected);
    if (!Arrays.equals(into, expected)) {
      breaches.note(subject, tensor + ": " + rows + " are not what their bytes are");
    }
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    open(weight.name());
    return super.readTile(weight, rows);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    Optional<C> found = super.find(capability);
    if (capability != Auditable.class || found.isEmpty()) {
      return found;
    }
    Auditable inside = (Auditable) found.get();
    Auditable watched =
        () -> {
          open("everything");
          return inside.audit();
        };
    return Optional.of(capability.cast(watched));
  }

  @Override
  public void close() {
    closes.incrementAndGet();
    super.close();
  }
}
