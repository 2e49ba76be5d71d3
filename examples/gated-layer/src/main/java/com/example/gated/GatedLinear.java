package com.example.gated;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.List;
import java.util.stream.Stream;

/**
 * A layer of one's own, y = (A x) * sigmoid(B x): its two matrices are weights to quantize, its
 * temperature is not.
 *
 * <p>{@code gate} is stored as (outputs, inputs), as PyTorch stores linear layers; {@code value} as
 * (inputs, outputs), so that its second axis becomes the rows. Models that store it the other way
 * are for {@code --option value-axis=0}.
 */
public final class GatedLinear implements LayerQuantizer {

  static final LayerKind KIND = new LayerKind("GatedLinear");

  static final OptionSpec<Integer> VALUE_AXIS =
      OptionSpec.integer("value-axis", 1, 0, 1, "Which axis of a gated layer's value is its outputs");

  @Override
  public String id() {
    return "example/gated-linear";
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(VALUE_AXIS);
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return weights(layer, OptionValues.DEFAULTS);
  }

  @Override
  public List<WeightMatrix> weights(Layer layer, OptionValues options) {
    int axis = options.get(VALUE_AXIS);
    if (!layer.kind().equals(KIND)) {
      return List.of();
    }
    return Stream.concat(
            matrix(layer, "gate").map(tensor -> new WeightMatrix(layer.name(), KIND, "gate", tensor, 0)),
            matrix(layer, "value")
                .map(tensor -> new WeightMatrix(layer.name(), KIND, "value", tensor, axis)))
        .toList();
  }

  private static Stream<TensorInfo> matrix(Layer layer, String name) {
    return layer.tensor(name).stream()
        .filter(tensor -> tensor.type().isQuantizable())
        .filter(tensor -> tensor.shape().rank() == 2 && tensor.shape().elements() > 0);
  }
}
