package com.example.gated;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.testkit.contracts.LayerQuantizerContract;
import dev.monoquant.testkit.data.LayerSamples;
import java.util.List;
import java.util.Map;

class GatedLinearTest implements LayerQuantizerContract {

  @Override
  public LayerQuantizer subject() {
    return new GatedLinear();
  }

  @Override
  public List<Layer> layers() {
    return List.of(
        LayerSamples.layer(
            "block.mixer",
            GatedLinear.KIND,
            ElementType.BFLOAT16,
            Map.of(
                "gate", TensorShape.of(8, 4),
                "value", TensorShape.of(4, 8),
                "temperature", TensorShape.of(1))));
  }
}
