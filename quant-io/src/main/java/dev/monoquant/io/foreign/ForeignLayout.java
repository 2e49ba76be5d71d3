package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Optional;

/** Finds the weights that one project stores in its own way. Stateless and thread-safe. */
interface ForeignLayout {

  /**
   * A weight and its tensors.
   *
   * @param weight the weight
   * @param layout how its parts lie in the tensors
   * @param parameters the local names of all tensors that belong to it, also of those that decoding
   *     does not need
   */
  record Stored(EncodedWeight weight, WeightLayout layout, List<String> parameters) {}

  /**
   * Looks for a weight among the tensors of a module.
   *
   * @param module a module
   * @return the weight; empty if its tensors are not stored in this way
   * @throws dev.monoquant.ModelFormatException if they are, but contradict each other; with the
   *     reason UNSUPPORTED_TENSOR if the variant is not decoded
   */
  Optional<Stored> find(ForeignModule module);
}
