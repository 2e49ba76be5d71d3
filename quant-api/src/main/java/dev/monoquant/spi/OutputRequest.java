package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything that will be written, before it is.
 *
 * @param target the file or directory to make
 * @param overwrite whether an existing output may be replaced
 * @param sync whether to flush to the disk before the output gets its name; without, a power cut
 *     may lose it, a crash of the program still cannot
 * @param source the model that is read; its side files are carried over, its files never written
 * @param layers all layers of the model
 * @param weights the weights that are quantized
 * @param kept the tensors that are stored as they are
 * @param provenance text about how the output was made, sorted into the output as it is: tool
 *     version, configuration
 * @param resume whether to go on with what an interrupted run to this target has finished, if the
 *     format can; the bytes of the output are the same either way
 */
public record OutputRequest(
    Path target,
    boolean overwrite,
    boolean sync,
    ModelSource source,
    List<Layer> layers,
    List<EncodedWeight> weights,
    List<TensorInfo> kept,
    Map<String, String> provenance,
    boolean resume) {

  /** Copies the collections. */
  public OutputRequest {
    requireNonNull(target, "target");
    requireNonNull(source, "source");
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    provenance = Map.copyOf(provenance);
  }

  /**
   * A request for a run from the start.
   *
   * @param target the file or directory to make
   * @param overwrite whether an existing output may be replaced
   * @param sync whether to flush to the disk before the output gets its name
   * @param source the model that is read
   * @param layers all layers of the model
   * @param weights the weights that are quantized
   * @param kept the tensors that are stored as they are
   * @param provenance text about how the output was made
   */
  public OutputRequest(
      Path target,
      boolean overwrite,
      boolean sync,
      ModelSource source,
      List<Layer> layers,
      List<EncodedWeight> weights,
      List<TensorInfo> kept,
      Map<String, String> provenance) {
    this(target, overwrite, sync, source, layers, weights, kept, provenance, false);
  }
}
