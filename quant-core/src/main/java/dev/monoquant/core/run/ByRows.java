package dev.monoquant.core.run;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.util.Optional;

/**
 * A capability of a {@link ModelSource}: it makes numbers row by row, so that a range of bytes
 * across rows costs as much as all of them.
 */
public interface ByRows {

  /** The matrix by whose rows a tensor is to be read; empty if ranges of bytes are cheap too. */
  Optional<WeightMatrix> matrix(TensorInfo tensor);

  static Optional<WeightMatrix> matrix(ModelSource source, TensorInfo tensor) {
    return source.find(ByRows.class).flatMap(s -> s.matrix(tensor));
  }
}
