package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.List;
import java.util.Optional;

/**
 * The codes that a layer gives, see {@link Chains}.
 *
 * @param least the least number of the range that the next layers take
 * @param greatest the greatest number
 * @param relu whether negative numbers become 0
 * @param norm the normalization of what the kernel computes
 */
record GivenCodes(double least, double greatest, boolean relu, Optional<Norm> norm) {

  /**
   * {@code torch.batch_norm} between a convolution and the next layer.
   *
   * @param tensors weight, bias, mean and variance
   * @param epsilon what is added to the variance
   */
  record Norm(List<PickleObject> tensors, double epsilon) {
    Norm {
      tensors = List.copyOf(tensors);
    }
  }
}
