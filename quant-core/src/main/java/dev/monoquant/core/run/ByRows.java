package dev.monoquant.core.run;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.util.Optional;

/**
 * A capability of a {@link ModelSource} that computes numbers row by row, so that reading a range
 * of bytes across rows costs as much as reading all of the rows.
 */
public interface ByRows {

  /** The matrix whose rows a tensor should be read by; empty if byte ranges are also cheap. */
  Optional<WeightMatrix> matrix(TensorInfo tensor);

  static Optional<WeightMatrix> matrix(ModelSource source, TensorInfo tensor) {
    return source.find(ByRows.class).flatMap(s -> s.matrix(tensor));
  }
}
