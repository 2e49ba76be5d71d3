package dev.monoquant.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * The tensors of a llama-shaped model with untied embeddings.
 *
 * @param hidden width of the model
 * @param inter width of the gated MLP
 * @param kv width of the keys and values
 * @param vocab entries of the embedding
 * @param layers number of decoder layers
 */
record Architecture(int hidden, int inter, int kv, int vocab, int layers) {

  /**
   * A tensor to write.
   *
   * @param name its name as Hugging Face spells it
   * @param rows its rows; 1 for a norm
   * @param cols its columns
   * @param norm whether it is a vector of ones rather than normally distributed
   */
  record Weight(String name, long rows, long cols, boolean norm) {
    long elements() {
      return rows * cols;
    }

    String shape() {
      return norm ? "[" + cols + "]" : "[" + rows + "," + cols + "]";
    }
  }

  /** {@return the tensors in the order of their names in a file} */
  List<Weight> weights() {
    List<Weight> out = new ArrayList<>();
    out.add(matrix("model.embed_tokens.weight", vocab, hidden));
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      out.add(norm(layer + "input_layernorm.weight"));
      out.add(matrix(layer + "self_attn.q_proj.weight", hidden, hidden));
      out.add(matrix(layer + "self_attn.k_proj.weight", kv, hidden));
      out.add(matrix(layer + "self_attn.v_proj.weight", kv, hidden));
      out.add(matrix(layer + "self_attn.o_proj.weight", hidden, hidden));
      out.add(norm(layer + "post_attention_layernorm.weight"));
      out.add(matrix(layer + "mlp.gate_proj.weight", inter, hidden));
      out.add(matrix(layer + "mlp.up_proj.weight", inter, hidden));
      out.add(matrix(layer + "mlp.down_proj.weight", hidden, inter));
    }
    out.add(norm("model.norm.weight"));
    out.add(matrix("lm_head.weight", vocab, hidden));
    return out;
  }

  private static Weight matrix(String name, long rows, long cols) {
    return new Weight(name, rows, cols, false);
  }

  private Weight norm(String name) {
    return new Weight(name, 1, hidden, true);
  }
}
