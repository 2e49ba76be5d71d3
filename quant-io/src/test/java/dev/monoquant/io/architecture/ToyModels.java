package dev.monoquant.io.architecture;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Models of two blocks, 8 numbers wide, with 2 heads, one of them for keys. */
final class ToyModels {

  private static final long VOCABULARY = 20;

  private ToyModels() {}

  static Hyperparameters config(Map<String, Object> more) {
    Map<String, Object> values = new HashMap<>();
    values.put("hidden_size", 8L);
    values.put("intermediate_size", 12L);
    values.put("num_hidden_layers", 2L);
    values.put("num_attention_heads", 2L);
    values.put("num_key_value_heads", 1L);
    values.put("max_position_embeddings", 64L);
    values.put("vocab_size", VOCABULARY);
    values.putAll(more);
    return new Hyperparameters("config.json", values);
  }

  /** A language model whose blocks have further tensors, by the end of their name. */
  static ModelInfo decoder(Map<String, TensorShape> inBlocks) {
    List<TensorInfo> tensors = new ArrayList<>();
    add(tensors, "model.embed_tokens.weight", VOCABULARY, 8);
    add(tensors, "model.norm.weight", 8);
    add(tensors, "lm_head.weight", VOCABULARY, 8);
    for (int block = 0; block < 2; block++) {
      String prefix = "model.layers." + block + ".";
      add(tensors, prefix + "input_layernorm.weight", 8);
      add(tensors, prefix + "post_attention_layernorm.weight", 8);
      add(tensors, prefix + "self_attn.o_proj.weight", 8, 8);
      add(tensors, prefix + "self_attn.rotary_emb.inv_freq", 2);
      inBlocks.forEach((name, shape) -> add(tensors, prefix + name, shape.dims()));
    }
    return ModelInfo.of("toy", tensors);
  }

  /** {@return the shapes of separate projections, without biases} */
  static Map<String, TensorShape> projections() {
    Map<String, TensorShape> shapes = new HashMap<>();
    shapes.put("self_attn.q_proj.weight", TensorShape.of(8, 8));
    shapes.put("self_attn.k_proj.weight", TensorShape.of(4, 8));
    shapes.put("self_attn.v_proj.weight", TensorShape.of(4, 8));
    shapes.put("mlp.gate_proj.weight", TensorShape.of(12, 8));
    shapes.put("mlp.up_proj.weight", TensorShape.of(12, 8));
    shapes.put("mlp.down_proj.weight", TensorShape.of(8, 12));
    return shapes;
  }

  private static void add(List<TensorInfo> tensors, String name, long... dims) {
    tensors.add(new TensorInfo(name, ElementType.BFLOAT16, TensorShape.of(dims)));
  }
}
