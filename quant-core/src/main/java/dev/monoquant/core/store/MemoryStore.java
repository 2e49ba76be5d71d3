package dev.monoquant.core.store;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A quantized model in memory: written as a sink, read as a source. */
public final class MemoryStore implements OutputWriter, ModelSource {

  private final ModelInfo info;
  private final Optional<RunnableFile> runnable;
  private final Map<String, Chunks> tensors = new HashMap<>();
  private final Map<String, Map<String, Chunks>> parts = new HashMap<>();

  MemoryStore(
      ModelSource origin, List<Layer> layers, List<EncodedWeight> weights, List<TensorInfo> kept) {
    this.info = origin.info().withLayers(layers).withQuantized(weights).withTensors(kept);
    this.runnable = origin.find(RunnableFile.class);
    kept.forEach(t -> tensors.put(t.name(), new Chunks(t.bytes())));
    for (EncodedWeight weight : weights) {
      Map<String, Chunks> own = new LinkedHashMap<>();
      for (Part part : weight.encoding().parts()) {
        TensorShape shape = part.shape(weight.rows().rows(), weight.rows().cols());
        own.put(part.name(), new Chunks(shape.elements() * part.type().cellBytes()));
      }
      parts.put(weight.name(), own);
    }
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) {
    for (Part part : weight.encoding().parts()) {
      if (part.extent() instanceof Part.Grid grid) {
        long at = tile.firstRow() / grid.rowsPerCell() * rowBytes(weight, part, grid);
        part(weight, part).write(at, ByteBuffer.wrap(tile.part(part.name())));
      }
    }
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) {
    whole.forEach(
        (name, bytes) ->
            part(weight, weight.encoding().part(name)).write(0, ByteBuffer.wrap(bytes)));
  }

  @Override
  public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) {
    requireNonNull(tensors.get(tensor.name())).write(offset, data);
  }

  @Override
  public List<Path> commit() {
    return List.of();
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) {
    byte[] bytes = requireNonNull(tensors.get(tensor.name())).read(offset, length);
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) {
    Map<String, byte[]> read = new HashMap<>();
    for (Part part : weight.encoding().parts()) {
      Chunks chunks = part(weight, part);
      if (part.extent() instanceof Part.Grid grid) {
        long rowBytes = rowBytes(weight, part, grid);
        long at = rows.first() / grid.rowsPerCell() * rowBytes;
        int length = Math.toIntExact(grid.cellRows(rows.height()) * rowBytes);
        read.put(part.name(), chunks.read(at, length));
      } else {
        TensorShape shape = part.shape(weight.rows().rows(), weight.rows().cols());
        int length = Math.toIntExact(shape.elements() * part.type().cellBytes());
        read.put(part.name(), chunks.read(0, length));
      }
    }
    return new EncodedTile(rows.first(), rows.height(), read);
  }

  private static long rowBytes(EncodedWeight weight, Part part, Part.Grid grid) {
    return grid.cellCols(weight.rows().cols()) * part.type().cellBytes();
  }

  private Chunks part(EncodedWeight weight, Part part) {
    return requireNonNull(requireNonNull(parts.get(weight.name())).get(part.name()));
  }

  /** The program of the original; what its files carry is not true of this one. */
  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return runnable.filter(capability::isInstance).map(capability::cast);
  }

  @Override
  public void close() {
    tensors.clear();
    parts.clear();
  }
}
