package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Fit;
import java.util.Optional;

/** Requirements of all built-in schemes on a weight. */
final class SchemeChecks {

  private SchemeChecks() {}

  /** Refuses other types and empty weights. */
  static Optional<Fit> unfit(WeightMatrix weight) {
    if (!weight.tensor().type().isQuantizable()) {
      return Optional.of(
          Fit.not(
              "it is " + weight.tensor().type().wire() + "; F16, BF16, F32 and F64 are quantized"));
    }
    return weight.rowCount() < 1 || weight.columnCount() < 1
        ? Optional.of(Fit.not("it is empty, of shape " + weight.tensor().shape()))
        : Optional.empty();
  }
}
