package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The contents of an output, known before any value is read.
 *
 * @param layers all layers of the model
 * @param weights the weights that are quantized
 * @param kept the tensors that are left unquantized and copied
 * @param provenance how the output was made, written to the output unchanged and sorted by key:
 *     tool version, configuration
 * @param kvCache how keys and values that attention caches are quantized while the model runs;
 *     empty if they are not, or if the format does not hold it
 */
public record OutputContents(
    List<Layer> layers,
    List<EncodedWeight> weights,
    List<TensorInfo> kept,
    Map<String, String> provenance,
    Optional<ActivationQuantization> kvCache) {

  /** Copies the collections. */
  public OutputContents {
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    provenance = Map.copyOf(provenance);
    requireNonNull(kvCache, "kvCache");
  }

  /**
   * Makes contents of a model whose cache is not quantized.
   *
   * @param layers all layers of the model
   * @param weights the weights that are quantized
   * @param kept the tensors that are left unquantized
   * @param provenance how the output was made
   */
  public OutputContents(
      List<Layer> layers,
      List<EncodedWeight> weights,
      List<TensorInfo> kept,
      Map<String, String> provenance) {
    this(layers, weights, kept, provenance, Optional.empty());
  }
}
