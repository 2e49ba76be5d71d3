package dev.monoquant.script;

import dev.monoquant.model.TensorShape;
import java.util.Optional;

/**
 * Detects from shapes and types alone what int8 kernels compute wrongly. A file must be correct on
 * every processor and for every input, and running samples does not reliably show these errors.
 *
 * <p><b>Sums.</b> Kernels add products of codes in 32 bits, which wrap around. An input is at most
 * 255 steps from its zero point. A code of 8 bits is up to 128 from zero, up to 255 from a zero
 * point that is not zero, and up to 127 where the weight is rounded again for the kernel. The
 * longest sums that stay in 32 bits are thus those of 65,793, 33,025 and 66,311 products.
 *
 * <p><b>Padding.</b> libtorch 2.7 with AVX-512 runs convolutions on oneDNN's {@code
 * brgemm_convolution_fwd_t}. For outputs that lie wholly in the padding, it writes nothing, so that
 * they contain old memory (seen with one input channel for each group and several outputs), or it
 * writes the wrong zero point (seen if the taps of a dilated kernel lie on both sides of a smaller
 * input), or it ends the process (seen with several groups). Which of these happens depends on
 * sizes that are known only when the model runs. Without AVX-512, none was seen.
 */
final class KernelLimits {

  private static final long INPUT_STEPS = 255;
  private static final long GREATEST_SUM = Integer.MAX_VALUE;
  private static final int SPATIAL = 2;

  private KernelLimits() {}

  /**
   * {@return a phrase that says why no int8 kernel can run a weight; empty if one can}
   *
   * @param codec the weight
   * @param plan all its uses
   */
  static Optional<String> refusal(Codec codec, Plan plan) {
    TensorShape shape = codec.weight().matrix().tensor().shape();
    if (plan.window().isPresent()) {
      Optional<String> padding = padding(plan.window().get(), shape);
      if (padding.isPresent()) {
        return padding;
      }
    }
    long most = 0;
    long steps = 0;
    if (plan.product()) {
      most = shape.dim(plan.transposed() ? 0 : 1);
      steps = codec.weightSteps(codec.isKernel(plan.transposed()));
    }
    if (plan.window().isPresent()) {
      most = Math.max(most, shape.elements() / shape.dim(0));
      steps = Math.max(steps, codec.weightSteps(codec.isWindowKernel()));
    }
    return most == 0 ? Optional.empty() : sum(most, GREATEST_SUM / (INPUT_STEPS * steps));
  }

  private static Optional<String> sum(long products, long most) {
    return products <= most
        ? Optional.empty()
        : Optional.of(
            "the 32 bits of an int8 kernel hold the sum of "
                + most
                + " products, and it adds "
                + products);
  }

  private static Optional<String> padding(Window window, TensorShape shape) {
    for (int axis = 0; axis < window.padding().size(); axis++) {
      long kernel = shape.dim(SPATIAL + axis);
      int padding = window.padding().get(axis);
      int dilation = window.dilation().get(axis);
      if (padding >= leastPadding(kernel, dilation)) {
        return Optional.of(
            String.format(
                "with padding %d, dilation %d and a kernel of %d, outputs may lie wholly in the"
                    + " padding, which int8 kernels get wrong",
                padding, dilation, kernel));
      }
    }
    return Optional.empty();
  }

  /**
   * Returns the least padding for which an input size exists that all taps of a kernel miss at some
   * output. The taps then lie on one side of the input or, with dilation, on both sides.
   */
  private static long leastPadding(long kernel, long dilation) {
    return dilation == 1 ? kernel : dilation * ((kernel - 1) / 2) + 1;
  }
}
