package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Optional;

/** Finds the weights in the layout of one project. Stateless and thread-safe. */
interface ForeignLayout {

  /**
   * A weight and its tensors.
   *
   * @param weight the weight
   * @param layout the layout of its parts in the tensors
   * @param parameters the local names of all its tensors, including those not needed for decoding
   */
  record Stored(EncodedWeight weight, WeightLayout layout, List<String> parameters) {}

  /**
   * Looks for a weight among the tensors of a module.
   *
   * @param module a module
   * @return the weight; empty if its tensors are not in this layout
   * @throws dev.monoquant.ModelFormatException if the tensors contradict each other; with the
   *     reason UNSUPPORTED_TENSOR if the variant is not decoded
   */
  Optional<Stored> find(ForeignModule module);
}
