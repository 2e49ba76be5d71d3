package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.SideFile;
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
final class MemoryStore implements OutputWriter, ModelSource {

  private final ModelSource origin;
  private final List<Layer> layers;
  private final List<TensorInfo> kept;
  private final List<EncodedWeight> weights;
  private final Map<String, Chunks> tensors = new HashMap<>();
  private final Map<String, Map<String, Chunks>> parts = new HashMap<>();
  private final Map<String, String> metadata;
  private final List<SideFile> sideFiles;
  private final List<Path> files;
  private final Optional<RunnableFile> runnable;

  MemoryStore(
      ModelSource origin, List<Layer> layers, List<EncodedWeight> weights, List<TensorInfo> kept) {
    this.origin = origin;
    this.layers = layers;
    this.weights = weights;
    this.kept = kept;
    this.metadata = Map.copyOf(origin.metadata());
    this.sideFiles = List.copyOf(origin.sideFiles());
    this.files = List.copyOf(origin.files());
    this.runnable = origin.runnable();
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
  public String name() {
    return origin.name();
  }

  @Override
  public List<TensorInfo> tensors() {
    return kept;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) {
    byte[] bytes = requireNonNull(tensors.get(tensor.name())).read(offset, length);
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public List<EncodedWeight> quantized() {
    return weights;
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, long firstRow, int height) {
    Map<String, byte[]> read = new HashMap<>();
    for (Part part : weight.encoding().parts()) {
      Chunks chunks = part(weight, part);
      if (part.extent() instanceof Part.Grid grid) {
        long rowBytes = rowBytes(weight, part, grid);
        long at = firstRow / grid.rowsPerCell() * rowBytes;
        int length = Math.toIntExact(grid.cellRows(height) * rowBytes);
        read.put(part.name(), chunks.read(at, length));
      } else {
        TensorShape shape = part.shape(weight.rows().rows(), weight.rows().cols());
        int length = Math.toIntExact(shape.elements() * part.type().cellBytes());
        read.put(part.name(), chunks.read(0, length));
      }
    }
    return new EncodedTile(firstRow, height, read);
  }

  private static long rowBytes(EncodedWeight weight, Part part, Part.Grid grid) {
    return grid.cellCols(weight.rows().cols()) * part.type().cellBytes();
  }

  private Chunks part(EncodedWeight weight, Part part) {
    return requireNonNull(requireNonNull(parts.get(weight.name())).get(part.name()));
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public List<Layer> layers() {
    return layers;
  }

  @Override
  public List<SideFile> sideFiles() {
    return sideFiles;
  }

  @Override
  public List<Path> files() {
    return files;
  }

  @Override
  public Optional<RunnableFile> runnable() {
    return runnable;
  }

  @Override
  public void close() {
    tensors.clear();
    parts.clear();
  }
}
