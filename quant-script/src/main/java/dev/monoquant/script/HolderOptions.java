package dev.monoquant.script;

import dev.monoquant.model.TensorShape;
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

  /** Which kernels run it, one of {@link Kernels#wires()}. */
  public static final OptionSpec<String> KERNELS =
      OptionSpec.choice(
          "kernels",
          Kernels.LASTING.wire(),
          Kernels.wires(),
          "Which kernels of PyTorch run it: lasting, or fastest, which are faster for few rows and"
              + " which PyTorch is going to remove");

  /** Below how many numbers no int8 kernel runs a weight; for convolutions see {@link #mode}. */
  public static final OptionSpec<Integer> SMALL =
      OptionSpec.integer(
          "small",
          65_536,
          0,
          Integer.MAX_VALUE,
          "Weights with fewer numbers, and convolutions with fewer than a 512th of that for each"
              + " channel they read or write, are decoded once when the model is loaded: int8 would"
              + " not make them faster");

  /**
   * A convolution uses each number at many places. What int8 saves at a place grows with the
   * products there, what it costs with the channels that are read and written: measured without
   * VNNI, convolutions of 3x3 gained from 32 to 64 channels on, and those of 1x1 not before 256.
   */
  private static final int CHANNEL_PART = 512;

  /**
   * What a holder takes in a file besides the codes is about two kilobytes, which is most of what
   * weights with fewer numbers would save.
   */
  private static final int LEAST_HELD = 1024;

  private HolderOptions() {}

  /** {@return all of them} */
  public static List<OptionSpec<?>> all() {
    return List.of(MODE, KERNELS, SMALL);
  }

  /** {@return below how many numbers a weight is not held at all} */
  static int leastHeld(EncodedWeight weight) {
    return Math.min(LEAST_HELD, weight.storage().get(SMALL));
  }

  /** {@return which kernels are to run a weight} */
  static Kernels kernels(EncodedWeight weight) {
    return Kernels.of(weight.storage().get(KERNELS));
  }

  /**
   * How a weight is executed that is used by a plan.
   *
   * @param weight the weight with its options
   * @param plan what it is used for
   * @return the mode asked for, or {@link Mode#WEIGHT_ONLY} where it is too small to gain
   */
  static Mode mode(EncodedWeight weight, Plan plan) {
    TensorShape shape = weight.matrix().tensor().shape();
    long numbers = shape.elements();
    long small = weight.storage().get(SMALL);
    if (plan.window().isPresent()) {
      numbers /= shape.dim(0) + shape.dim(1);
      small /= CHANNEL_PART;
    }
    return numbers < small ? Mode.WEIGHT_ONLY : Mode.of(weight.storage().get(MODE));
  }
}
