package dev.monoquant.core;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;

/** Takes the weight of Linear layers along axis 0, and of GPT-2's Conv1D along axis 1. */
public class FakeLayers implements LayerQuantizer {

  private final String id;

  /**
   * Makes one.
   *
   * @param id its id
   */
  public FakeLayers(String id) {
    this.id = id;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    boolean linear = layer.kind().equals(LayerKind.LINEAR);
    if (!linear && !layer.kind().equals(LayerKind.CONV1D_TRANSPOSED)) {
      return List.of();
    }
    return layer
        .tensor("weight")
        .filter(t -> t.type().isQuantizable() && t.shape().elements() > 0)
        .map(
            t -> List.of(new WeightMatrix(layer.name(), layer.kind(), "weight", t, linear ? 0 : 1)))
        .orElse(List.of());
  }
}
