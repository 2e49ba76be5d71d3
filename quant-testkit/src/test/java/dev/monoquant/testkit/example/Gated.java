package dev.monoquant.testkit.example;

import com.google.auto.service.AutoService;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;

/** Knows one kind of layer, with its matrix in {@code gate} as (outputs, inputs). */
@AutoService(LayerQuantizer.class)
public final class Gated implements LayerQuantizer {

  /** The kind that it knows. */
  public static final LayerKind KIND = new LayerKind("GatedLinear");

  @Override
  public String id() {
    return "acme/gated";
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    if (!layer.kind().equals(KIND)) {
      return List.of();
    }
    return layer.tensor("gate").filter(Gated::isMatrix).stream()
        .map(tensor -> new WeightMatrix(layer.name(), layer.kind(), "gate", tensor, 0))
        .toList();
  }

  private static boolean isMatrix(TensorInfo tensor) {
    return tensor.type().isQuantizable()
        && tensor.shape().rank() == 2
        && tensor.shape().elements() > 0;
  }
}
