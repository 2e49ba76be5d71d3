package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Map;

/**
 * The contents of an output, known before any value is read.
 *
 * @param layers all layers of the model
 * @param weights the weights that are quantized
 * @param kept the tensors that are left unquantized and copied
 * @param provenance how the output was made, written to the output unchanged and sorted by key:
 *     tool version, configuration
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
