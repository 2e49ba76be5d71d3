package dev.monoquant.io.compressedtensors;

import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * The scale of the inputs of a layer M whose quantization is not dynamic:
 *
 * <pre>
 * M.input_scale         (1) in the type of the weight; an input is code * input_scale
 * M.input_global_scale  (1) F32, for FP4 in groups, whose scales are divided by it
 * </pre>
 *
 * <p>It is given, not measured. The layers that loaders merge have a scale each; vLLM takes the
 * largest.
 */
final class InputScale {

  static final String SCALE = "input_scale";
  static final String GLOBAL = "input_global_scale";

  private InputScale() {}

  /** Adds the tensor of a weight and its bytes, if its layer has such a scale. */
  static void add(EncodedWeight weight, Map<TensorInfo, byte[]> to) {
    Optional<Float> scale = weight.activations().flatMap(ActivationQuantization::scale);
    if (scale.isEmpty()) {
      return;
    }
    boolean global = isGlobal(weight.activations().get());
    TensorInfo own = weight.matrix().tensor();
    ElementType type = global ? ElementType.FLOAT32 : own.type();
    TensorInfo tensor =
        new TensorInfo(
            weight.matrix().layer() + "." + (global ? GLOBAL : SCALE),
            type,
            TensorShape.of(1),
            own.shard());
    to.put(tensor, Part.perTensor(Part.SCALE, type).toBytes(scale.get()));
  }

  private static boolean isGlobal(ActivationQuantization inputs) {
    return inputs.dynamic() == Dynamic.LOCAL;
  }

  /**
   * {@return the activations of a module with the scale in its tensors, if there is one}
   *
   * @param inputs how its group says that they are quantized
   * @param files the directory
   * @param module the name of the module
   */
  static ActivationQuantization read(ActivationQuantization inputs, ModelFiles files, String module)
      throws IOException {
    String name = module + "." + (isGlobal(inputs) ? GLOBAL : SCALE);
    Optional<ModelFiles.Located> found = files.find(name);
    if (inputs.dynamic() == Dynamic.YES || !inputs.symmetric() || found.isEmpty()) {
      return inputs;
    }
    ElementType type = found.get().info().type();
    if (!type.isQuantizable() || found.get().info().shape().elements() != 1) {
      return inputs;
    }
    ByteBuffer data = found.get().read(0, type.cellBytes());
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    float scale = Part.perTensor(Part.SCALE, type).toFloats(bytes)[0];
    return scale > 0 && Float.isFinite(scale) ? inputs.withScale(Optional.of(scale)) : inputs;
  }
}
