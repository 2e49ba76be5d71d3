package dev.monoquant.io.compressedtensors;

import dev.monoquant.spi.EncodedWeight;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The forms in which compressed-tensors stores weights ({@code CompressionFormat}), each with its
 * name in {@code config.json}.
 *
 * <p>Not supported: forms that compressed-tensors itself only reads ({@code sparse-bitmask}, {@code
 * sparse-24-bitmask}, {@code marlin-24}) and {@code mxfp6-pack-quantized}.
 */
enum Form {
  /** Integers packed into words, see {@link PackQuantized}. */
  PACK("pack-quantized"),
  /** Integers in bytes, of layers with quantized activations, see {@link CellQuantized}. */
  INT("int-quantized"),
  /** FP8, of layers with quantized activations, see {@link CellQuantized}. */
  FLOAT("float-quantized"),
  /** Integers in bytes or FP8, only weights quantized, see {@link CellQuantized}. */
  NAIVE("naive-quantized"),
  /** See {@link Nvfp4PackQuantized}. */
  NVFP4("nvfp4-pack-quantized"),
  /** See {@link MxQuantized}. */
  MXFP4("mxfp4-pack-quantized"),
  /** See {@link MxQuantized}. */
  MXFP8("mxfp8-quantized");

  private final String wire;

  Form(String wire) {
    this.wire = wire;
  }

  /** {@return its name in {@code config.json}} */
  String wire() {
    return wire;
  }

  /** {@return the form with that name, empty if there is none} */
  static Optional<Form> of(String wire) {
    return Arrays.stream(values()).filter(f -> f.wire.equals(wire)).findFirst();
  }

  /**
   * {@return the form that compressed-tensors infers for a group without a format}
   *
   * <p>Source: {@code infer_module_format} of compressed-tensors 0.20, which takes the first form
   * that can store such weights, in a fixed order.
   *
   * @param weights how weights are quantized
   * @param inputs whether the inputs of the layers are quantized, too
   * @param scales the {@code scale_dtype} of the weights, if it is stated
   */
  static Form inferred(WeightArguments weights, boolean inputs, Optional<String> scales) {
    if (!weights.floats()) {
      return inputs ? INT : PACK;
    }
    if (weights.strategy().groupSize() == 32 && MXFP4.holds(weights)) {
      return MXFP4;
    }
    if (weights.strategy().groupSize() == 32
        && MXFP8.holds(weights)
        && scales.equals(MXFP8.scaleType())) {
      return MXFP8;
    }
    return NVFP4.holds(weights) ? NVFP4 : inputs ? FLOAT : NAIVE;
  }

  /** {@return all names, for messages} */
  static String names() {
    return Arrays.stream(values()).map(Form::wire).collect(Collectors.joining(", "));
  }

  /** {@return the local name of the tensor that holds the codes} */
  String codes() {
    return switch (this) {
      case PACK, NVFP4, MXFP4 -> StoredWeight.PACKED;
      case INT, FLOAT, NAIVE, MXFP8 -> StoredWeight.CODES;
    };
  }

  /** {@return the type of scales for {@code config.json}; empty if it is that of the weight} */
  Optional<String> scaleType() {
    return switch (this) {
      case NVFP4 -> Optional.of("torch.float8_e4m3fn");
      case MXFP4, MXFP8 -> Optional.of("torch.uint8");
      default -> Optional.empty();
    };
  }

  /** {@return whether this form can store weights with such arguments} */
  boolean holds(WeightArguments weights) {
    Strategy strategy = weights.strategy();
    boolean grouped = weights.symmetric() && strategy instanceof Strategy.Group;
    boolean integers =
        !weights.floats()
            && !(strategy instanceof Strategy.Block)
            && !(strategy instanceof Strategy.TensorGroup);
    boolean fp8 =
        weights.floats()
            && weights.bits() == 8
            && weights.symmetric()
            && !(strategy instanceof Strategy.TensorGroup);
    return switch (this) {
      case PACK, INT -> integers;
      case FLOAT -> fp8;
      case NAIVE -> integers || fp8;
      case NVFP4 ->
          weights.floats()
              && weights.bits() == 4
              && weights.symmetric()
              && strategy instanceof Strategy.TensorGroup;
      case MXFP4 -> weights.floats() && weights.bits() == 4 && grouped;
      case MXFP8 -> weights.floats() && weights.bits() == 8 && grouped;
    };
  }

  /**
   * {@return the layout of a weight in its tensors}
   *
   * @param weight a weight for which {@link ModuleWeight} returns this form
   */
  StoredWeight layout(EncodedWeight weight) {
    return switch (this) {
      case PACK -> PackQuantized.of(weight);
      case INT, FLOAT, NAIVE -> CellQuantized.of(weight);
      case NVFP4 -> new Nvfp4PackQuantized(weight);
      case MXFP4, MXFP8 -> new MxQuantized(weight);
    };
  }

  /**
   * {@return the weight in the tensors of a module}
   *
   * @param module its tensors; records each that is a part
   * @param weights how it is quantized; this form {@link #holds} it
   * @throws dev.monoquant.ModelFormatException if a tensor is missing or has another type or shape
   */
  StoredWeight read(ModuleTensors module, WeightArguments weights) throws IOException {
    return switch (this) {
      case PACK -> PackQuantized.read(module, weights);
      case INT, FLOAT, NAIVE -> CellQuantized.read(module, weights);
      case NVFP4 -> Nvfp4PackQuantized.read(module, weights);
      case MXFP4, MXFP8 -> MxQuantized.read(module, weights);
    };
  }
}
