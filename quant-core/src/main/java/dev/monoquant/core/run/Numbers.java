package dev.monoquant.core.run;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelSource;

/**
 * Identifies the data that a view shows as a tensor of some type and shape: equal for views that
 * show the same.
 */
record Numbers(ModelSource.Origin origin, ElementType type, TensorShape shape) {

  static Numbers of(ModelSource view, TensorInfo tensor) {
    return new Numbers(view.origin(tensor), tensor.type(), tensor.shape());
  }
}
