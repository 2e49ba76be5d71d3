package dev.monoquant.io.architecture;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.List;
import java.util.Map;

class LlamaArchitectureTest implements GgufArchitectureContract {
  @Override
  public GgufArchitecture subject() {
    return new LlamaArchitecture();
  }

  @Override
  public ModelInfo model() {
    Map<String, TensorShape> shapes = ToyModels.projections();
    shapes.put("self_attn.q_proj.bias", TensorShape.of(8));
    for (String matrix : List.of("0.w1", "0.w3", "1.w1", "1.w3")) {
      shapes.put("block_sparse_moe.experts." + matrix + ".weight", TensorShape.of(12, 8));
    }
    shapes.put("block_sparse_moe.experts.0.w2.weight", TensorShape.of(8, 12));
    shapes.put("block_sparse_moe.experts.1.w2.weight", TensorShape.of(8, 12));
    shapes.put("block_sparse_moe.gate.weight", TensorShape.of(2, 8));
    return ToyModels.decoder(shapes);
  }

  @Override
  public Hyperparameters config() {
    return ToyModels.config(
        Map.of("num_local_experts", 2L, "rope_scaling", Map.of("type", "llama3", "factor", 8.0)));
  }
}
