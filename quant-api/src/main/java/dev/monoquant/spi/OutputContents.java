package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Map;

/**
 * What an output will hold, before any number is read.
 *
 * @param layers all layers of the model
 * @param weights the weights that are quantized
 * @param kept the tensors that are stored as they are
 * @param provenance text about how the output was made, sorted into the output as it is: tool
 *     version, configuration
 */
public record OutputContents(
    List<Layer> layers,
    List<EncodedWeight> weights,
    List<TensorInfo> kept,
    Map<String, String> provenance) {

  /** Copies the collections. */
  public OutputContents {
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    provenance = Map.copyOf(provenance);
  }
}
