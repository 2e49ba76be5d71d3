package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Finds weights whose module holds another matrix of weights, such as {@code weight_integer} of
 * I-BERT or a mask. Such a module is a class of its own, or has a left-over: loaders take the codes
 * of plain Linear layers alone, and would start the weight of any other at random.
 *
 * <p>Immutable; it holds the modules with a second matrix, which most models have none of.
 */
final class PlainLinears {

  private static final String WEIGHT = ".weight";

  /** A tensor beside the weight, by module. */
  private final Map<String, String> beside = new HashMap<>();

  PlainLinears(Iterable<TensorInfo> tensors) {
    for (TensorInfo tensor : tensors) {
      if (!tensor.name().endsWith(WEIGHT)) {
        MatrixModule.of(tensor).ifPresent(module -> beside.putIfAbsent(module, tensor.name()));
      }
    }
  }

  /**
   * {@return why a weight stays in float; empty if nothing of its module forbids its codes}
   *
   * @param weight a weight
   */
  Optional<String> refusal(WeightMatrix weight) {
    return weight.tensor().name().endsWith(WEIGHT)
        ? Optional.ofNullable(beside.get(weight.layer())).map(PlainLinears::reason)
        : Optional.empty();
  }

  private static String reason(String other) {
    return "its module also holds the matrix "
        + quote(other)
        + ", and loaders take the codes of plain Linear layers alone. If it is a left-over, remove"
        + " it from the model";
  }
}
