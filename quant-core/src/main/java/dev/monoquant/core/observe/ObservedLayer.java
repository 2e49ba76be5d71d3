package dev.monoquant.core.observe;

import dev.monoquant.spi.ObservableModel.Input;
import java.util.Optional;

/**
 * A layer in the order of the model.
 *
 * @param name its name in the file, of {@link dev.monoquant.spi.Calibration#layerOf(String)}
 * @param input its input
 * @param products the pass in which its Gram matrix is collected; empty for none
 */
record ObservedLayer(String name, Input input, Optional<Integer> products) {

  /** {@return the bytes of a Gram matrix} */
  static long bytes(Input input) {
    return Math.multiplyExact(input.columns() * input.columns(), (long) Float.BYTES);
  }
}
