package com.example.olmo;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class OlmoArchitectureTest implements GgufArchitectureContract {

  @Override
  public GgufArchitecture subject() {
    return new OlmoArchitecture();
  }

  @Override
  public ModelInfo model() {
    List<TensorInfo> tensors = new ArrayList<>();
    tensors.add(tensor("model.embed_tokens", 16, 8));
    tensors.add(tensor("model.norm", 8));
    tensors.add(tensor("lm_head", 16, 8));
    for (String layer : List.of("model.layers.0.", "model.layers.1.")) {
      tensors.add(tensor(layer + "self_attn.q_proj", 8, 8));
      tensors.add(tensor(layer + "self_attn.k_proj", 4, 8));
      tensors.add(tensor(layer + "self_attn.v_proj", 4, 8));
      tensors.add(tensor(layer + "self_attn.o_proj", 8, 8));
      tensors.add(tensor(layer + "self_attn.q_norm", 8));
      tensors.add(tensor(layer + "self_attn.k_norm", 4));
      tensors.add(tensor(layer + "post_attention_layernorm", 8));
      tensors.add(tensor(layer + "mlp.gate_proj", 12, 8));
      tensors.add(tensor(layer + "mlp.up_proj", 12, 8));
      tensors.add(tensor(layer + "mlp.down_proj", 8, 12));
      tensors.add(tensor(layer + "post_feedforward_layernorm", 8));
    }
    return ModelInfo.of("olmo", tensors);
  }

  private static TensorInfo tensor(String layer, long... dims) {
    return new TensorInfo(layer + ".weight", ElementType.BFLOAT16, TensorShape.of(dims));
  }

  @Override
  public Hyperparameters config() {
    return new Hyperparameters(
        "config.json",
        Map.of(
            "hidden_size", 8L,
            "intermediate_size", 12L,
            "num_hidden_layers", 2L,
            "num_attention_heads", 2L,
            "num_key_value_heads", 1L,
            "max_position_embeddings", 64L,
            "rms_norm_eps", 1e-6));
  }
}
