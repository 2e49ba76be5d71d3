package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Optional;

/**
 * The contents of an output, known before any value is read.
 *
 * @param layers all layers of the model
 * @param weights the weights that are quantized
 * @param kept the tensors that are left unquantized and copied
 * @param provenance how the output is made; empty if this is unknown, as for a model that was read
 *     from a file and is written again
 * @param kvCache how keys and values that attention caches are quantized while the model runs;
 *     empty if they are not, or if the format does not hold it
 */
public record OutputContents(
    List<Layer> layers,
    List<EncodedWeight> weights,
    List<TensorInfo> kept,
    Optional<Provenance> provenance,
    Optional<ActivationQuantization> kvCache) {

  /** Copies the collections. */
  public OutputContents {
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    requireNonNull(provenance, "provenance");
    requireNonNull(kvCache, "kvCache");
  }

  /**
   * Makes contents of a model whose cache is not quantized.
   *
   * @param layers all layers of the model
   * @param weights the weights that are quantized
   * @param kept the tensors that are left unquantized
   * @param provenance how the output is made; empty if this is unknown
   */
  public OutputContents(
      List<Layer> layers,
      List<EncodedWeight> weights,
      List<TensorInfo> kept,
      Optional<Provenance> provenance) {
    this(layers, weights, kept, provenance, Optional.empty());
  }
}
