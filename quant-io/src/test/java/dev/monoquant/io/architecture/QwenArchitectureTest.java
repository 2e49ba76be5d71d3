package dev.monoquant.io.architecture;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.Map;

class QwenArchitectureTest implements GgufArchitectureContract {
  @Override
  public GgufArchitecture subject() {
    return new QwenArchitecture();
  }

  @Override
  public ModelInfo model() {
    Map<String, TensorShape> shapes = ToyModels.projections();
    shapes.put("self_attn.q_norm.weight", TensorShape.of(4));
    shapes.put("mlp.gate.weight", TensorShape.of(3, 8));
    shapes.put("mlp.experts.gate_up_proj", TensorShape.of(3, 12, 8));
    shapes.put("mlp.experts.down_proj", TensorShape.of(3, 8, 6));
    shapes.put("mlp.shared_expert_gate.weight", TensorShape.of(1, 8));
    return ToyModels.decoder(shapes);
  }

  @Override
  public Hyperparameters config() {
    return ToyModels.config(Map.of("num_experts", 3L));
  }
}
