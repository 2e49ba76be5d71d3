package dev.monoquant.io.architecture;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Maps the tensors of language models that transformers builds alike: an embedding, blocks of
 * attention and a feed-forward part, a norm and a head. A mixture has a tensor for each expert, or
 * one for all:
 *
 * <pre>
 * mlp.experts.3.gate_proj.weight (I, H)   --stacked-->   ffn_gate_exps (E, I, H)
 * mlp.experts.gate_up_proj (E, 2I, H)     --halves--->   ffn_gate_exps and ffn_up_exps (E, I, H)
 * </pre>
 *
 * Source: {@code gguf-py/gguf/tensor_mapping.py} and {@code conversion/} of llama.cpp.
 */
final class Decoder {

  /** Modules of blocks that all have. */
  static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("input_layernorm", "attn_norm"),
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry("self_attn.qkv_proj", "attn_qkv"),
          Map.entry("post_attention_layernorm", "ffn_norm"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry("mlp.gate_up_proj", "ffn_up"),
          Map.entry("mlp.gate", "ffn_gate_inp"),
          Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
          Map.entry("mlp.shared_expert_gate", "ffn_gate_inp_shexp"),
          Map.entry("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
          Map.entry("mlp.shared_expert.up_proj", "ffn_up_shexp"),
          Map.entry("mlp.shared_expert.down_proj", "ffn_down_shexp"));

  private static final Map<String, String> ROOT =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  private static final Map<String, String> EXPERTS =
      Map.of(
          "gate_proj", "ffn_gate_exps",
          "up_proj", "ffn_up_exps",
          "down_proj", "ffn_down_exps",
          "w1", "ffn_gate_exps",
          "w3", "ffn_up_exps",
          "w2", "ffn_down_exps");

  private static final List<String> EXPERT_PREFIXES =
      List.of("mlp.experts.", "block_sparse_moe.experts.");

  /** What is before the number of a block. */
  static final String LAYERS = "model.layers.";

  private final MappingBuilder to;
  private final ModelInfo model;
  private final Hyperparameters config;
  private final int blocks;

  /** Rows of the queries and of the keys of the first block; 0 if it has none. */
  private final long queryRows;

  private final long keyRows;
  private final Map<String, String> names;

  /** The matrices of experts by the name of their stack, then by their number. */
  private final Map<String, NavigableMap<Integer, TensorInfo>> experts = new LinkedHashMap<>();

  private boolean interleaved;
  private boolean normsPlusOne;

  Decoder(MappingBuilder to, ModelInfo model, Hyperparameters config, Map<String, String> names) {
    this.to = to;
    this.model = model;
    this.queryRows = rows(model, "self_attn.q_proj");
    this.keyRows = rows(model, "self_attn.k_proj");
    this.config = config;
    this.names = names;
    this.blocks = to.blocks(config, LAYERS, Prefixes::strip);
  }

  /** {@return this, with query and key rows in pairs, as llama.cpp rotates them for llama} */
  Decoder withInterleavedHeads() {
    interleaved = true;
    return this;
  }

  /** {@return this, with norms whose weights are the difference from one in transformers} */
  Decoder withNormsPlusOne() {
    normsPlusOne = true;
    return this;
  }

  /** Maps all tensors. */
  void map() {
    boolean tied = config.flag("tie_word_embeddings").orElse(false);
    for (TensorInfo tensor : model.tensors()) {
      String name = Prefixes.strip(tensor.name());
      if (Prefixes.isOtherPart(tensor.name())) {
        to.leaveOut(tensor, "it is no part of the language model");
      } else if (name.endsWith(".rotary_emb.inv_freq")) {
        to.leaveOut(tensor, "loaders compute it");
      } else if (tied && name.equals("lm_head.weight")) {
        to.leaveOut(tensor, "config.json ties the head to the embedding");
      } else if (ROOT.containsKey(name)) {
        store(tensor, ROOT.getOrDefault(name, ""));
      } else {
        Block.of(name, LAYERS)
            .filter(block -> block.number() < blocks)
            .ifPresent(block -> block(tensor, block));
      }
    }
    experts.forEach(this::stack);
  }

  private void block(TensorInfo tensor, Block block) {
    String blk = "blk." + block.number() + ".";
    int dot = block.rest().lastIndexOf('.');
    String module = block.rest().substring(0, Math.max(0, dot));
    String local = block.rest().substring(dot + 1);
    String name = names.get(module);
    if (name != null && (local.equals("weight") || local.equals("bias"))) {
      store(tensor, blk + name + "." + local);
      return;
    }
    for (String prefix : EXPERT_PREFIXES) {
      if (block.rest().startsWith(prefix)) {
        expert(tensor, blk, block.rest().substring(prefix.length()));
      }
    }
  }

  private void store(TensorInfo tensor, String name) {
    if (normsPlusOne && name.endsWith("norm.weight")) {
      to.plusOne(tensor, name);
    } else if (interleaved && name.matches("blk\\.\\d+\\.attn_[qk]\\.(weight|bias)")) {
      int heads = config.require("num_attention_heads");
      int own = name.contains("attn_q") ? heads : keyHeads(heads);
      long rows = tensor.shape().dim(0);
      if (own == 0 || rows % own != 0 || rows / own % 2 != 0 || rows / own != headWidth(heads)) {
        throw to.fault(tensor, "has " + rows + " rows, which are not those of " + own + " heads");
      }
      to.heads(tensor, name, Math.toIntExact(rows / own));
    } else {
      to.rename(tensor, name);
    }
  }

  private static long rows(ModelInfo model, String module) {
    String name = LAYERS + "0." + module + ".weight";
    return model.tensors().stream()
        .filter(t -> Prefixes.strip(t.name()).equals(name) && t.shape().rank() == 2)
        .mapToLong(t -> t.shape().dim(0))
        .findFirst()
        .orElse(0);
  }

  /** Numbers of a head: of config.json, else by the queries, as each class has another default. */
  private long headWidth(int heads) {
    Optional<Integer> said = config.count("head_dim");
    return said.isPresent()
        ? said.get()
        : queryRows > 0 && queryRows % heads == 0
            ? queryRows / heads
            : config.require("hidden_size") / heads;
  }

  /** Heads of keys: of config.json, else by the keys. */
  private int keyHeads(int heads) {
    long width = Math.max(1, headWidth(heads));
    return config
        .count("num_key_value_heads")
        .orElse(keyRows > 0 && keyRows % width == 0 ? Math.toIntExact(keyRows / width) : heads);
  }

  /** One matrix of an expert, or a tensor with those of all. */
  private void expert(TensorInfo tensor, String blk, String rest) {
    Optional<Block> own = Block.of(rest, "");
    String local = own.map(Block::rest).orElse(rest);
    if (local.endsWith(".weight")) {
      local = local.substring(0, local.length() - ".weight".length());
    }
    String name = EXPERTS.get(local);
    if (own.isPresent() && name != null) {
      experts
          .computeIfAbsent(blk + name + ".weight", n -> new TreeMap<>())
          .put(own.get().number(), tensor);
    } else if (own.isEmpty() && tensor.shape().rank() == 3) {
      long lines = tensor.shape().dim(1);
      if (local.equals("gate_up_proj") && lines % 2 == 0) {
        to.slice(tensor, 0, lines / 2, blk + "ffn_gate_exps.weight");
        to.slice(tensor, lines / 2, lines / 2, blk + "ffn_up_exps.weight");
      } else if (name != null) {
        to.rename(tensor, blk + name + ".weight");
      }
    }
  }

  private void stack(String name, NavigableMap<Integer, TensorInfo> matrices) {
    int count =
        config
            .count("num_local_experts")
            .or(() -> config.count("num_experts"))
            .orElse(matrices.size());
    if (matrices.size() != count || matrices.lastKey() != count - 1) {
      throw to.fault(
          matrices.lastEntry().getValue(),
          "is one of " + matrices.size() + " experts of its layer, and config.json says " + count);
    }
    to.stack(List.copyOf(matrices.values()), name);
  }

  /**
   * Adds the hyperparameters that all such models have.
   *
   * @param usualTheta the base of rotary embeddings if config.json has none
   */
  void describe(double usualTheta) {
    to.put("block_count", blocks);
    to.putIfPresent("context_length", config.count("max_position_embeddings"));
    to.put("embedding_length", config.require("hidden_size"));
    to.put("feed_forward_length", config.require("intermediate_size"));
    int heads = config.require("num_attention_heads");
    to.put("attention.head_count", heads);
    to.put("attention.head_count_kv", keyHeads(heads));
    Rotary.of(config, usualTheta).describe(to, config);
    Rotary.slidingTheta(config)
        .ifPresent(theta -> to.put("rope.freq_base_swa", theta.floatValue()));
    to.put(
        "attention.layer_norm_rms_epsilon",
        config.number("rms_norm_eps").orElse(1e-6).floatValue());
    to.putIfPresent(
        "expert_count", config.count("num_local_experts").or(() -> config.count("num_experts")));
    to.putIfPresent("expert_used_count", config.count("num_experts_per_tok"));
    int width = Math.toIntExact(headWidth(heads));
    if (config.count("head_dim").isPresent()
        || (long) width * heads != config.require("hidden_size")) {
      to.put("attention.key_length", width);
      to.put("attention.value_length", width);
    }
  }
}
