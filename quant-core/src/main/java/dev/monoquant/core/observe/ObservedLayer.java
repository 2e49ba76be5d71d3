package dev.monoquant.core.observe;

import dev.monoquant.spi.ObservableModel.Input;
import java.util.Optional;

/**
 * A layer in the order of the model.
 *
 * @param name its name in the file: that of the weight without {@code .weight}
 * @param input its input
 * @param products the pass in which its Gram matrix is collected; empty for none
 */
record ObservedLayer(String name, Input input, Optional<Integer> products) {

  private static final String WEIGHT = ".weight";

  /** {@return the name of a layer in the file} */
  static String name(String weight) {
    return weight.endsWith(WEIGHT) && weight.length() > WEIGHT.length()
        ? weight.substring(0, weight.length() - WEIGHT.length())
        : weight;
  }

  /** {@return the bytes of a Gram matrix} */
  static long bytes(Input input) {
    return Math.multiplyExact(input.columns() * input.columns(), (long) Float.BYTES);
  }
}
