package dev.monoquant.core.store;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.Layer;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A quantized model in memory: written as a sink, read as a source. */
public final class MemoryStore implements OutputWriter, ModelSource {

  private final ModelInfo info;
  private final Optional<RunnableFile> runnable;
  private final Map<String, Chunks> tensors = new HashMap<>();
  private final Map<String, Chunks> parts = new HashMap<>();
  private final Map<String, WeightLayout> layouts = new HashMap<>();
  private final Map<String, WeightLayout.Writer> writers = new HashMap<>();

  MemoryStore(
      ModelSource origin, List<Layer> layers, List<EncodedWeight> weights, List<TensorInfo> kept) {
    this.info = origin.info().withLayers(layers).withQuantized(weights).withTensors(kept);
    this.runnable = origin.find(RunnableFile.class);
    kept.forEach(t -> tensors.put(t.name(), new Chunks(t.bytes())));
    for (EncodedWeight weight : weights) {
      WeightLayout layout = TensorPerPart.ofCells(weight.matrix(), weight.encoding());
      layout.tensors().forEach(t -> parts.put(t.name(), new Chunks(t.bytes())));
      layouts.put(weight.name(), layout);
      writers.put(
          weight.name(), layout.writer((part, offset, data) -> chunks(part).write(offset, data)));
    }
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    requireNonNull(writers.get(weight.name())).writeTile(tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) throws IOException {
    requireNonNull(writers.get(weight.name())).writeWhole(whole);
  }

  private Chunks chunks(TensorInfo part) {
    return requireNonNull(parts.get(part.name()));
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
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    return requireNonNull(layouts.get(weight.name()))
        .read(rows, (part, offset, length) -> ByteBuffer.wrap(chunks(part).read(offset, length)));
  }

  /**
   * Finds the program of the original, but no capability of its files, which this model does not
   * have.
   */
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
