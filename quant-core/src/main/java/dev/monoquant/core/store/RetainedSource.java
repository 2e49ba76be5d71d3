package dev.monoquant.core.store;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The data of a temporary file with the name, shards, side files and metadata of the original
 * model.
 */
public final class RetainedSource implements ModelSource {

  private final ModelSource data;
  private final ModelInfo info;
  private final Optional<RunnableFile> runnable;
  private final Map<String, EncodedWeight> dataWeights = new HashMap<>();
  private final Map<String, TensorInfo> dataTensors = new HashMap<>();

  public RetainedSource(ModelSource data, ModelSource origin, Plan plan) {
    this.data = data;
    this.info =
        origin
            .info()
            .withLayers(plan.layers())
            .withQuantized(plan.weights().stream().map(PlannedWeight::weight).toList())
            .withTensors(plan.kept().stream().map(UnquantizedTensor::tensor).toList());
    this.runnable = origin.find(RunnableFile.class);
    data.info().quantized().forEach(w -> dataWeights.put(w.name(), w));
    data.info().tensors().forEach(t -> dataTensors.put(t.name(), t));
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return data.read(requireNonNull(dataTensors.get(tensor.name())), offset, length);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    return data.readTile(requireNonNull(dataWeights.get(weight.name())), rows);
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
    data.close();
  }
}
