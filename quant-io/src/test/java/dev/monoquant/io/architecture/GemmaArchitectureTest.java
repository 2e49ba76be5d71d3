package dev.monoquant.io.architecture;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.List;
import java.util.Map;

class GemmaArchitectureTest implements GgufArchitectureContract {
  @Override
  public GgufArchitecture subject() {
    return new GemmaArchitecture();
  }

  @Override
  public ModelInfo model() {
    Map<String, TensorShape> shapes = ToyModels.projections();
    for (String norm : List.of("pre_feedforward_layernorm", "post_feedforward_layernorm")) {
      shapes.put(norm + ".weight", TensorShape.of(8));
    }
    return ToyModels.decoder(shapes);
  }

  @Override
  public Hyperparameters config() {
    return ToyModels.config(Map.of("sliding_window", 32L));
  }
}
