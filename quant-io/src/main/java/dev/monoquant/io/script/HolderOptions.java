package dev.monoquant.io.script;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionSpec;
import java.util.List;

/** The options of a weight that is held quantized in TorchScript. */
public final class HolderOptions {

  /** How the weight is executed, one of {@link Mode#wires()}. */
  public static final OptionSpec<String> MODE =
      OptionSpec.choice(
          "mode",
          Mode.DYNAMIC_ROW.wire(),
          Mode.wires(),
          "How a quantized weight is executed; dynamic is the fastest, weight-only the most exact");

  /** Below how many numbers no int8 kernel runs a weight; for convolutions it is half as many. */
  public static final OptionSpec<Integer> SMALL =
      OptionSpec.integer(
          "small",
          65_536,
          0,
          Integer.MAX_VALUE,
          "Weights with fewer numbers, and kernels of convolutions with less than half of that, are"
              + " decoded once when the model is loaded: int8 would not make them faster");

  /**
   * What a holder needs in a file by itself is about two thirds of this in bytes: a weight with
   * fewer numbers would save less.
   */
  private static final int LEAST_HELD = 1024;

  private HolderOptions() {}

  /** {@return all of them} */
  public static List<OptionSpec<?>> all() {
    return List.of(MODE, SMALL);
  }

  /** {@return below how many numbers a weight is not held at all} */
  static int leastHeld(EncodedWeight weight) {
    return Math.min(LEAST_HELD, weight.storage(SMALL));
  }

  /**
   * How a weight is executed that is used by a plan.
   *
   * @param weight the weight with its options
   * @param plan what it is used for
   * @return the mode asked for, or {@link Mode#WEIGHT_ONLY} where it is too small to gain. Each
   *     number of a convolution kernel is used at many places, so that it gains earlier
   */
  static Mode mode(EncodedWeight weight, Plan plan) {
    long numbers = weight.rows().tensor().shape().elements();
    int small = weight.storage(SMALL);
    return numbers < (plan.window().isPresent() ? small / 2 : small)
        ? Mode.WEIGHT_ONLY
        : Mode.of(weight.storage(MODE));
  }
}
