package dev.monoquant.script;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionSpec;
import java.util.List;

/** The options of a quantized weight in TorchScript. */
public final class HolderOptions {

  /** How the weight is executed, one of {@link Mode#wires()}. */
  public static final OptionSpec<String> MODE =
      OptionSpec.choice(
          "mode",
          Mode.DYNAMIC_ROW.wire(),
          Mode.wires(),
          "How a quantized weight is executed; dynamic is the fastest, weight-only the most exact");

  /** The kernels that run it, one of {@link Kernels#wires()}. */
  public static final OptionSpec<String> KERNELS =
      OptionSpec.choice(
          "kernels",
          Kernels.LASTING.wire(),
          Kernels.wires(),
          "Which kernels of PyTorch run it: lasting, or fastest, which are faster for few rows and"
              + " which PyTorch is going to remove");

  /**
   * Weights with fewer numbers are not run by an int8 kernel; for convolutions see {@link #mode}.
   */
  public static final OptionSpec<Integer> SMALL =
      OptionSpec.integer(
          "small",
          65_536,
          0,
          Integer.MAX_VALUE,
          "Weights with fewer numbers, and convolutions with fewer than a 512th of that for each"
              + " channel they read or write, are decoded once when the model is loaded: int8 would"
              + " not make them faster");

  /** Whether an input is prepared once for all weights that it is multiplied by, see Sharing. */
  public static final OptionSpec<Boolean> SHARE =
      OptionSpec.flag(
          "share",
          false,
          "Quantize an input once for all weights that it is multiplied by, such as those of query,"
              + " key and value");

  /** Whether layers of {@link Mode#STATIC} hand on codes, see Chains. */
  public static final OptionSpec<Boolean> CHAIN =
      OptionSpec.flag(
          "chain",
          false,
          "With mode=static, hand on int8 from layer to layer where nothing but relu, pooling and"
              + " views lies between");

  /** Whether attentions that code computes in parts are one kernel, see FusedAttention. */
  public static final OptionSpec<Boolean> ATTENTION =
      OptionSpec.flag(
          "attention",
          false,
          "Compute products, masks and softmax of each attention by one kernel of PyTorch, where the"
              + " code proves that only rounding changes");

  /** The least number of inputs for {@link Mode#STATIC}; see {@link #GREATEST}. */
  public static final OptionSpec<Double> LEAST =
      OptionSpec.number(
              "input-least",
              0,
              -Float.MAX_VALUE,
              Float.MAX_VALUE,
              "The least number of inputs for mode=static; by default that of the calibration")
          .implied();

  /**
   * The greatest number of inputs for {@link Mode#STATIC}. If it is not greater than the least,
   * ranges are computed as for {@link Mode#DYNAMIC}.
   */
  public static final OptionSpec<Double> GREATEST =
      OptionSpec.number(
              "input-greatest",
              0,
              -Float.MAX_VALUE,
              Float.MAX_VALUE,
              "The greatest number of inputs for mode=static; by default that of the calibration")
          .implied();

  /**
   * A convolution uses each number at many positions. At each position, the gain from int8 grows
   * with the number of products, and its cost with the number of channels that are read and
   * written. Measured without VNNI: convolutions of 3x3 are faster from 32 to 64 channels on, and
   * those of 1x1 from 256.
   */
  private static final int CHANNEL_PART = 512;

  /**
   * A holder takes about two kilobytes in a file in addition to the codes. Weights with fewer
   * numbers would save little more than that.
   */
  private static final int LEAST_HELD = 1024;

  private HolderOptions() {}

  /** {@return all options} */
  public static List<OptionSpec<?>> all() {
    return List.of(MODE, KERNELS, SMALL, SHARE, CHAIN, ATTENTION, LEAST, GREATEST);
  }

  /** {@return the least number of elements of a weight that is quantized} */
  static int leastHeld(EncodedWeight weight) {
    return Math.min(LEAST_HELD, weight.storage().get(SMALL));
  }

  /** {@return the kernels that run a weight} */
  static Kernels kernels(EncodedWeight weight) {
    return Kernels.of(weight.storage().get(KERNELS));
  }

  /**
   * Chooses how a weight is executed.
   *
   * @param weight the weight with its options
   * @param plan the uses of the weight
   * @return the requested mode, or {@link Mode#WEIGHT_ONLY} if the weight is too small to be faster
   *     with int8
   */
  static Mode mode(EncodedWeight weight, Plan plan) {
    TensorShape shape = weight.matrix().tensor().shape();
    long numbers = shape.elements();
    long small = weight.storage().get(SMALL);
    if (plan.window().isPresent()) {
      numbers /= shape.dim(0) + shape.dim(1);
      small /= CHANNEL_PART;
    }
    if (numbers < small) {
      return Mode.WEIGHT_ONLY;
    }
    Mode mode = Mode.of(weight.storage().get(MODE));
    return mode == Mode.STATIC && !hasRange(weight) ? Mode.DYNAMIC : mode;
  }

  /**
   * {@return whether the range of its inputs is known}
   *
   * @param weight the weight with its options
   */
  public static boolean hasRange(EncodedWeight weight) {
    return weight.storage().get(LEAST) < weight.storage().get(GREATEST);
  }
}
