package dev.monoquant.io.calibration;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The names that GGUF files have for the layers of models of transformers: llama-like, BERT-like
 * and GPT-2-like ones, with experts. The prefix before the list of blocks does not matter, unless
 * it names a part beside the language model, whose layers have no name here.
 *
 * <pre>
 *   model.layers.3.self_attn.q_proj                 blk.3.attn_q
 *   bert.encoder.layer.3.attention.self.query       blk.3.attn_q
 *   transformer.h.3.mlp.c_fc                        blk.3.ffn_up
 *   model.layers.3.mlp.experts.7.down_proj          blk.3.ffn_down_exps, matrix 7
 *   lm_head                                         output
 * </pre>
 *
 * <p>Source: {@code gguf-py/gguf/tensor_mapping.py} of gguf 0.19.
 */
final class GgufLayerNames {

  /** The names of the list of blocks. */
  private static final String[] LISTS = {"layers.", "layer.", "h."};

  private static final String EXPERTS = "experts.";

  private static final Map<String, String> IN_BLOCK =
      Map.ofEntries(
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.qkv_proj", "attn_qkv"),
          Map.entry("self_attn.q_a_proj", "attn_q_a"),
          Map.entry("self_attn.q_b_proj", "attn_q_b"),
          Map.entry("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"),
          Map.entry("self_attn.kv_b_proj", "attn_kv_b"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.gate_up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry("mlp.gate", "ffn_gate_inp"),
          Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
          Map.entry("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
          Map.entry("mlp.shared_expert.up_proj", "ffn_up_shexp"),
          Map.entry("mlp.shared_expert.down_proj", "ffn_down_shexp"),
          Map.entry("mlp.shared_experts.gate_proj", "ffn_gate_shexp"),
          Map.entry("mlp.shared_experts.up_proj", "ffn_up_shexp"),
          Map.entry("mlp.shared_experts.down_proj", "ffn_down_shexp"),
          Map.entry("attention.self.query", "attn_q"),
          Map.entry("attention.self.key", "attn_k"),
          Map.entry("attention.self.value", "attn_v"),
          Map.entry("attention.output.dense", "attn_output"),
          Map.entry("intermediate.dense", "ffn_up"),
          Map.entry("output.dense", "ffn_down"),
          Map.entry("attn.c_attn", "attn_qkv"),
          Map.entry("attn.c_proj", "attn_output"),
          Map.entry("mlp.c_fc", "ffn_up"),
          Map.entry("mlp.c_proj", "ffn_down"));

  private static final Map<String, String> OF_EXPERTS =
      Map.of(
          "gate_proj", "ffn_gate_exps",
          "up_proj", "ffn_up_exps",
          "down_proj", "ffn_down_exps",
          "w1", "ffn_gate_exps",
          "w3", "ffn_up_exps",
          "w2", "ffn_down_exps");

  private static final Map<String, String> OUTSIDE =
      Map.of("lm_head", "output", "embed_tokens", "token_embd", "word_embeddings", "token_embd");

  /** Modules around towers, projectors and further heads, whose blocks are counted from 0, too. */
  private static final Set<String> OTHER_PARTS =
      Set.of(
          "vision_tower",
          "vision_model",
          "vision_encoder",
          "vision_embed_tokens",
          "visual",
          "image_encoder",
          "audio_tower",
          "audio_model",
          "audio_encoder",
          "multi_modal_projector",
          "mtp");

  private GgufLayerNames() {}

  /**
   * A name in a GGUF file.
   *
   * @param layer the name without {@code .weight}
   * @param expert which matrix of a tensor of several; 0 for one
   */
  record Named(String layer, int expert) {}

  /** {@return the name in GGUF files; empty if the layer has none here} */
  static Optional<Named> of(String layer) {
    if (Stream.of(layer.split("\\.", -1)).anyMatch(OTHER_PARTS::contains)) {
      return Optional.empty();
    }
    for (String list : LISTS) {
      int at = layer.startsWith(list) ? 0 : layer.indexOf("." + list) + 1;
      if (at > 0 || layer.startsWith(list)) {
        return inBlock(layer.substring(at + list.length()));
      }
    }
    return Optional.ofNullable(OUTSIDE.get(layer.substring(layer.lastIndexOf('.') + 1)))
        .map(name -> new Named(name, 0));
  }

  private static Optional<Named> inBlock(String rest) {
    int dot = rest.indexOf('.');
    if (dot < 1 || number(rest.substring(0, dot)).isEmpty()) {
      return Optional.empty();
    }
    String block = "blk." + rest.substring(0, dot) + ".";
    String inside = rest.substring(dot + 1);
    int experts = inside.indexOf("." + EXPERTS) + 1;
    if (experts == 0) {
      return Optional.ofNullable(IN_BLOCK.get(inside)).map(n -> new Named(block + n, 0));
    }
    String of = inside.substring(experts + EXPERTS.length());
    int end = of.indexOf('.');
    return end < 1
        ? Optional.empty()
        : number(of.substring(0, end))
            .flatMap(
                expert ->
                    Optional.ofNullable(OF_EXPERTS.get(of.substring(end + 1)))
                        .map(n -> new Named(block + n, expert)));
  }

  private static Optional<Integer> number(String text) {
    boolean digits = !text.isEmpty() && text.length() < 8;
    for (int i = 0; i < text.length(); i++) {
      digits &= text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    return digits ? Optional.of(Integer.parseInt(text)) : Optional.empty();
  }
}
