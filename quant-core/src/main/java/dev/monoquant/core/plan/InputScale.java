package dev.monoquant.core.plan;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import dev.monoquant.spi.Facts;
import java.util.Optional;

/**
 * The scale of the inputs of a layer from the range that a calibration measured, as
 * compressed-tensors computes it. With A the largest magnitude and {@code T()} rounding to the type
 * of the weight:
 *
 * <pre>
 *   integers of b bits       T(A / ((2^b - 1) / 2))
 *   floats of 8 bits         T(A / 448)
 *   floats of 4 bits         T(A / 6)
 *   the same in groups       T(2688 / A), the scale of the scales of 8 bits (448 * 6)
 * </pre>
 *
 * <p>Inputs that were all 0 have the epsilon of the type, or the global scale 1. Source:
 * compressed-tensors at commit ac8e2ba, {@code quantization/utils/helpers.py} ({@code
 * calculate_qparams}, {@code generate_gparam}).
 */
final class InputScale {

  private static final float E4M3_MAX = 448;
  private static final float E2M1_MAX = 6;

  private InputScale() {}

  /**
   * {@return the activations with the measured scale; as they are if they have one, compute it, or
   * would need a zero point, too}
   *
   * @param inputs what the output declares
   * @param range the range of the inputs
   * @param type the type of the weight
   */
  static ActivationQuantization measured(
      ActivationQuantization inputs, Facts.Range range, ElementType type) {
    if (!isOpen(inputs)) {
      return inputs;
    }
    return inputs.withScale(
        Optional.of(scale(inputs, Math.max(Math.abs(range.min()), Math.abs(range.max())), type)));
  }

  /** Whether a scale is stored with the model, and none is given. */
  static boolean isOpen(ActivationQuantization inputs) {
    return inputs.dynamic() != Dynamic.YES && inputs.scale().isEmpty() && inputs.symmetric();
  }

  private static float scale(ActivationQuantization inputs, float greatest, ElementType type) {
    float max =
        inputs.type() == NumberType.INT
            ? ((1 << inputs.bits()) - 1) / 2f
            : inputs.bits() == 8 ? E4M3_MAX : E2M1_MAX;
    if (inputs.strategy() == Strategy.TENSOR_GROUP) {
      float global = type.round(E4M3_MAX * max / greatest);
      return Float.isFinite(global) && global > 0 ? global : 1;
    }
    float scale = type.round(greatest / max);
    return scale > 0 ? scale : epsilon(type);
  }

  private static float epsilon(ElementType type) {
    return switch (type) {
      case FLOAT16 -> 0x1p-10f;
      case BFLOAT16 -> 0x1p-7f;
      default -> 0x1p-23f;
    };
  }
}
