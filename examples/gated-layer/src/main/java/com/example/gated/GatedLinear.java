package com.example.gated;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.Rows;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;
import java.util.stream.Stream;

/**
 * A layer of one's own, y = (A x) * sigmoid(B x): its two matrices are weights to quantize, its
 * temperature is not.
 *
 * <p>{@code gate} is stored as (outputs, inputs), as PyTorch stores linear layers; {@code value} as
 * (inputs, outputs), so that its second axis becomes the rows.
 */
public final class GatedLinear implements LayerQuantizer {

  static final LayerKind KIND = new LayerKind("GatedLinear");

  @Override
  public String id() {
    return "example/gated-linear";
  }

  @Override
  public List<Rows> rows(Layer layer) {
    if (!layer.kind().equals(KIND)) {
      return List.of();
    }
    return Stream.concat(
            matrix(layer, "gate").map(tensor -> new Rows(layer.name(), KIND, "gate", tensor, 0)),
            matrix(layer, "value").map(tensor -> new Rows(layer.name(), KIND, "value", tensor, 1)))
        .toList();
  }

  private static Stream<TensorInfo> matrix(Layer layer, String name) {
    return layer.tensor(name).stream()
        .filter(tensor -> tensor.type().isQuantizable())
        .filter(tensor -> tensor.shape().rank() == 2 && tensor.shape().elements() > 0);
  }
}
