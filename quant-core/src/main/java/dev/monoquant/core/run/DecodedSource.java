package dev.monoquant.core.run;

import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A quantized model read as a float model: every weight has its original name, type and shape, and
 * is decoded as it is read. Any byte range can be read; whole rows are cheap. Closing it closes the
 * quantized model.
 */
public final class DecodedSource implements ModelSource, ByRows {

  private final ModelSource inner;
  private final ModelInfo info;
  private final Map<String, DecodedWeight> weights = new LinkedHashMap<>();

  public DecodedSource(Settings settings, ModelSource inner) {
    this(settings, inner, inner.info().notes());
  }

  /**
   * @param notes the notes of this model
   */
  public DecodedSource(Settings settings, ModelSource inner, List<String> notes) {
    this.inner = inner;
    List<TensorInfo> all = new ArrayList<>();
    StoredOptions stored = new StoredOptions(settings.plugins(), inner);
    for (EncodedWeight weight : inner.info().quantized()) {
      weights.put(weight.name(), new DecodedWeight(inner, weight, stored.decoder(weight)));
      all.add(weight.matrix().tensor());
    }
    all.addAll(inner.info().tensors());
    this.info = inner.info().withTensors(all).withQuantized(List.of()).withNotes(notes);
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    DecodedWeight weight = weights.get(tensor.name());
    return weight == null ? inner.read(tensor, offset, length) : weight.read(offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    DecodedWeight weight = weights.get(matrix.tensor().name());
    if (weight == null) {
      inner.readRows(matrix, rows, into);
    } else if (matrix.rowAxis() == weight.weight().matrix().rowAxis()) {
      weight.readRows(rows, into);
    } else {
      ModelSource.super.readRows(matrix, rows, into);
    }
  }

  @Override
  public Optional<WeightMatrix> matrix(TensorInfo tensor) {
    return Optional.ofNullable(weights.get(tensor.name()))
        .map(w -> w.weight().matrix())
        .filter(m -> m.rowAxis() != 0);
  }

  /** One weight, decoded on demand. */
  private record DecodedWeight(ModelSource inner, EncodedWeight weight, TileDecoder decoder) {

    /**
     * If the rows are in memory order, decodes only the rows that the range touches; otherwise
     * decodes all rows and copies the range.
     */
    ByteBuffer read(long offset, int length) throws IOException {
      byte[] out = new byte[length];
      WeightMatrix matrix = weight.matrix();
      int cell = matrix.tensor().type().cellBytes();
      int cols = Math.toIntExact(matrix.columnCount());
      long row = 0;
      long end = matrix.rowCount();
      if (matrix.rowAxis() == 0 && length > 0) {
        long rowBytes = (long) cols * cell;
        int alignment = weight.encoding().rowAlignment();
        row = offset / rowBytes / alignment * alignment;
        end = (offset + length + rowBytes - 1) / rowBytes;
      }
      int step = TileGrid.height(weight, Settings.TILE_ELEMENTS);
      float[] values = new float[Math.multiplyExact(step, cols)];
      for (; row < end; row += step) {
        RowRange rows = new RowRange(row, (int) Math.min(step, end - row));
        readRows(rows, values);
        WeightMatrix.Runs runs = matrix.runs(rows);
        for (int run = 0; run < runs.count(); run++) {
          copy(runs, run, values, runs.start(run) * cell - offset, out);
        }
      }
      return ByteBuffer.wrap(out).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Copies the requested part of a run, which begins at or before {@code at} of the output. */
    private void copy(WeightMatrix.Runs runs, int run, float[] values, long at, byte[] out) {
      ElementType type = weight.matrix().tensor().type();
      int bytes = runs.length() * type.cellBytes();
      int from = (int) Math.max(0, Math.min(bytes, -at));
      int end = (int) Math.max(0, Math.min(bytes, out.length - at));
      if (from < end) {
        float[] numbers = values;
        if (runs.count() > 1) {
          numbers = new float[runs.length()];
          runs.gather(values, run, 1, numbers);
        }
        byte[] narrow = new byte[bytes];
        FloatBytes.narrow(type, numbers, 0, runs.length(), narrow, 0);
        System.arraycopy(narrow, from, out, (int) (at + from), end - from);
      }
    }

    /** Reads any rows; also decodes the rows needed to fill an alignment. */
    void readRows(RowRange rows, float[] into) throws IOException {
      int alignment = weight.encoding().rowAlignment();
      long first = rows.first() / alignment * alignment;
      long end = (rows.end() + alignment - 1) / alignment * alignment;
      RowRange aligned =
          new RowRange(first, Math.toIntExact(Math.min(weight.matrix().rowCount(), end) - first));
      if (rows.height() == 0) {
        return;
      }
      if (aligned.equals(rows)) {
        decode(rows, into);
        return;
      }
      int cols = Math.toIntExact(weight.matrix().columnCount());
      float[] values = new float[Math.multiplyExact(aligned.height(), cols)];
      decode(aligned, values);
      int skip = Math.multiplyExact((int) (rows.first() - first), cols);
      System.arraycopy(values, skip, into, 0, rows.height() * cols);
    }

    private void decode(RowRange rows, float[] into) throws IOException {
      EncodedTile tile = inner.readTile(weight, rows);
      try {
        decoder.decode(tile, into);
      } catch (QuantException e) {
        throw e;
      } catch (RuntimeException e) {
        throw new PluginException(
            "scheme " + weight.scheme() + " could not decode " + weight.name() + ": " + e, e);
      }
    }
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return capability == ByRows.class ? Optional.of(capability.cast(this)) : inner.find(capability);
  }

  @Override
  public void close() {
    inner.close();
  }
}
