package dev.monoquant.core.edit;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import java.util.List;

/**
 * Where factors go.
 *
 * @param input a name for messages
 * @param divided what makes the input; empty if the multiplied weight divides its inputs as it runs
 * @param multiplied the weights whose columns are multiplied, one if nothing is divided
 * @param normalized see {@link ScaleFold#normalized}
 */
record Place(String input, List<Side> divided, List<Side> multiplied, boolean normalized) {

  Place {
    divided = List.copyOf(divided);
    multiplied = List.copyOf(multiplied);
  }

  static Place of(ScaleFold fold) {
    return new Place(fold.input(), fold.divided(), fold.multiplied(), fold.normalized());
  }

  /**
   * {@return a weight that divides its inputs as it runs}
   *
   * @param axis the dimension of its columns
   */
  static Place own(TensorInfo weight, int axis) {
    return new Place(weight.name(), List.of(), List.of(new Side(weight, axis, 0)), false);
  }

  boolean isOwn() {
    return divided.isEmpty();
  }

  /** {@return the number of factors} */
  int size() {
    return Math.toIntExact(multiplied.get(0).size());
  }
}
