package dev.monoquant.core;

import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
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
 * A quantized model seen as the float model it stands for: every weight has its old name, type and
 * shape, and is decoded as it is read. Any byte range can be read; whole rows at a time are cheap.
 * Closing it closes the model underneath.
 */
final class DecodedSource implements ModelSource {

  private final ModelSource inner;
  private final ModelInfo info;
  private final Map<String, DecodedWeight> weights = new LinkedHashMap<>();

  DecodedSource(Settings settings, ModelSource inner) {
    this.inner = inner;
    List<TensorInfo> all = new ArrayList<>();
    StoredOptions stored = new StoredOptions(settings.plugins());
    for (EncodedWeight weight : inner.info().quantized()) {
      TileDecoder decoder =
          TileDecoder.of(settings.plugins().scheme(weight.scheme()), stored.complete(weight));
      weights.put(weight.name(), new DecodedWeight(inner, weight, decoder));
      all.add(weight.rows().tensor());
    }
    all.addAll(inner.info().tensors());
    this.info = inner.info().withTensors(all).withQuantized(List.of());
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

  /** One weight, decoded on demand. */
  private record DecodedWeight(ModelSource inner, EncodedWeight weight, TileDecoder decoder) {

    ByteBuffer read(long offset, int length) throws IOException {
      byte[] out = new byte[length];
      if (weight.rows().rowAxis() == 0) {
        readRows(offset, out);
      } else {
        readScattered(offset, out);
      }
      return ByteBuffer.wrap(out).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The rows that the bytes touch are decoded, and what was asked for is cut out. */
    private void readRows(long offset, byte[] out) throws IOException {
      WeightMatrix rows = weight.rows();
      int cols = Math.toIntExact(rows.cols());
      int cell = rows.tensor().type().cellBytes();
      long rowBytes = (long) cols * cell;
      int alignment = weight.encoding().rowAlignment();
      int step = TileGrid.height(weight, Settings.TILE_ELEMENTS);
      long endRow = (offset + out.length + rowBytes - 1) / rowBytes;
      long alignedEnd = Math.min(rows.rows(), (endRow + alignment - 1) / alignment * alignment);
      for (int done = 0; done < out.length; ) {
        long from = (offset + done) / rowBytes / alignment * alignment;
        int height = (int) Math.min(step, alignedEnd - from);
        byte[] bytes = decode(from, height, cols);
        int skip = Math.toIntExact(offset + done - from * rowBytes);
        int n = Math.min(out.length - done, bytes.length - skip);
        System.arraycopy(bytes, skip, out, done, n);
        done += n;
      }
    }

    /** The rows lie across the memory of the tensor: each number is found by its own row. */
    private void readScattered(long offset, byte[] out) throws IOException {
      WeightMatrix rows = weight.rows();
      int cols = Math.toIntExact(rows.cols());
      int cell = rows.tensor().type().cellBytes();
      long outer = 1;
      for (int axis = 0; axis < rows.rowAxis(); axis++) {
        outer *= rows.tensor().shape().dim(axis);
      }
      long run = cols / Math.max(1, outer);
      int step = TileGrid.height(weight, Settings.TILE_ELEMENTS);
      for (long first = 0; first < rows.rows(); first += step) {
        int height = (int) Math.min(step, rows.rows() - first);
        byte[] bytes = decode(first, height, cols);
        for (int r = 0; r < height; r++) {
          for (long a = 0; a < outer; a++) {
            long to = (a * rows.rows() + first + r) * run * cell - offset;
            int from = Math.toIntExact(((long) r * cols + a * run) * cell);
            int begin = (int) Math.max(0, -to);
            int end = (int) Math.min(run * cell, out.length - to);
            if (begin < end) {
              System.arraycopy(bytes, from + begin, out, (int) (to + begin), end - begin);
            }
          }
        }
      }
    }

    private byte[] decode(long first, int height, int cols) throws IOException {
      EncodedTile tile = inner.readTile(weight, new RowRange(first, height));
      float[] values = new float[Math.multiplyExact(height, cols)];
      try {
        decoder.decode(tile, values);
      } catch (QuantException e) {
        throw e;
      } catch (RuntimeException e) {
        throw new PluginException(
            "scheme " + weight.scheme() + " could not decode " + weight.name() + ": " + e, e);
      }
      byte[] bytes = new byte[values.length * weight.rows().tensor().type().cellBytes()];
      FloatBytes.narrow(weight.rows().tensor().type(), values, 0, values.length, bytes, 0);
      return bytes;
    }
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return inner.find(capability);
  }

  @Override
  public void close() {
    inner.close();
  }
}
