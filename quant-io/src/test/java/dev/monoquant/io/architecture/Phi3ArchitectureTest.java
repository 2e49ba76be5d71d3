package dev.monoquant.io.architecture;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.List;
import java.util.Map;

class Phi3ArchitectureTest implements GgufArchitectureContract {
  @Override
  public GgufArchitecture subject() {
    return new Phi3Architecture();
  }

  @Override
  public ModelInfo model() {
    return ToyModels.decoder(
        Map.of(
            "self_attn.qkv_proj.weight", TensorShape.of(16, 8),
            "mlp.gate_up_proj.weight", TensorShape.of(24, 8),
            "mlp.down_proj.weight", TensorShape.of(8, 12)));
  }

  @Override
  public Hyperparameters config() {
    return ToyModels.config(
        Map.of(
            "original_max_position_embeddings",
            16L,
            "rope_scaling",
            Map.of(
                "type",
                "longrope",
                "long_factor",
                List.of(1.0, 2.0),
                "short_factor",
                List.of(1.0, 1.5))));
  }
}
