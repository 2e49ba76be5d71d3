package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The data of a temporary file under everything else of the model it was made of: name, shards,
 * side files, metadata.
 */
final class SpooledSource implements ModelSource {

  private final ModelSource data;
  private final String name;
  private final List<Layer> layers;
  private final List<EncodedWeight> weights;
  private final List<TensorInfo> kept;
  private final Map<String, String> metadata;
  private final List<SideFile> sideFiles;
  private final List<Path> files;
  private final Optional<RunnableFile> runnable;
  private final Map<String, EncodedWeight> dataWeights = new HashMap<>();
  private final Map<String, TensorInfo> dataTensors = new HashMap<>();

  SpooledSource(ModelSource data, ModelSource origin, Plan plan) {
    this.data = data;
    this.name = origin.name();
    this.layers = plan.layers();
    this.weights = plan.weights().stream().map(PlannedWeight::weight).toList();
    this.kept = plan.kept().stream().map(KeptTensor::tensor).toList();
    this.metadata = Map.copyOf(origin.metadata());
    this.sideFiles = List.copyOf(origin.sideFiles());
    this.files = List.copyOf(origin.files());
    this.runnable = origin.runnable();
    data.quantized().forEach(w -> dataWeights.put(w.name(), w));
    data.tensors().forEach(t -> dataTensors.put(t.name(), t));
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return data.read(requireNonNull(dataTensors.get(tensor.name())), offset, length);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, long firstRow, int height) throws IOException {
    return data.readTile(requireNonNull(dataWeights.get(weight.name())), firstRow, height);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<TensorInfo> tensors() {
    return kept;
  }

  @Override
  public List<EncodedWeight> quantized() {
    return weights;
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
    data.close();
  }
}
