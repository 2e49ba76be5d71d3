package com.example.olmo;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * OLMo 2 as llama.cpp reads it. Norms follow attention and feed-forward layers, and queries and keys
 * are normalized as a whole. Rows are not permuted; a head that is tied is not stored.
 *
 * <p>Source: the architecture {@code OLMO2} in {@code gguf/constants.py} of gguf 0.19.
 */
public final class OlmoArchitecture implements GgufArchitecture {

  private static final Pattern LAYER = Pattern.compile("model\\.layers\\.([0-9]{1,4})\\.([a-z_.]+)");

  private static final Map<String, String> NAMES =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  /** The names in a layer, without .weight. */
  private static final Map<String, String> IN_LAYER =
      Map.ofEntries(
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry("post_attention_layernorm", "post_attention_norm"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry("post_feedforward_layernorm", "post_ffw_norm"));

  @Override
  public String id() {
    return "example/olmo2";
  }

  @Override
  public Set<String> models() {
    return Set.of("Olmo2ForCausalLM");
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    List<Stored> tensors = new ArrayList<>();
    for (TensorInfo tensor : model.tensors()) {
      // The caller refuses a tensor that is neither stored nor left out, by its name.
      name(tensor.name()).ifPresent(name -> tensors.add(stored(name, tensor)));
    }
    return new GgufMapping("olmo2", tensors, Map.of(), metadata(config), List.of());
  }

  private static Optional<String> name(String name) {
    if (NAMES.containsKey(name)) {
      return Optional.of(NAMES.get(name));
    }
    Matcher layer = LAYER.matcher(name);
    if (!layer.matches() || !layer.group(2).endsWith(".weight")) {
      return Optional.empty();
    }
    String local = layer.group(2).substring(0, layer.group(2).length() - ".weight".length());
    return Optional.ofNullable(IN_LAYER.get(local))
        .map(own -> "blk." + Integer.parseInt(layer.group(1)) + "." + own + ".weight");
  }

  /** All rows as they are; llama.cpp needs vectors in F32. */
  private static Stored stored(String name, TensorInfo tensor) {
    boolean vector = tensor.shape().rank() == 1;
    long rows = tensor.shape().dim(0);
    return new Stored(
        name, tensor.shape(), new Rows(List.of(new Run(tensor, 0, rows, 0)), vector, 0));
  }

  private static Map<String, Object> metadata(Hyperparameters config) {
    int heads = config.require("num_attention_heads");
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("olmo2.block_count", config.require("num_hidden_layers"));
    values.put("olmo2.context_length", config.require("max_position_embeddings"));
    values.put("olmo2.embedding_length", config.require("hidden_size"));
    values.put("olmo2.feed_forward_length", config.require("intermediate_size"));
    values.put("olmo2.attention.head_count", heads);
    values.put(
        "olmo2.attention.head_count_kv", config.count("num_key_value_heads").orElse(heads));
    values.put(
        "olmo2.attention.layer_norm_rms_epsilon",
        config.number("rms_norm_eps").orElse(1e-5).floatValue());
    values.put("olmo2.rope.freq_base", (float) base(config));
    return values;
  }

  /** Newer versions of transformers have the base of rotary embeddings in a part of its own. */
  private static double base(Hyperparameters config) {
    return config
        .part("rope_parameters")
        .flatMap(rope -> rope.number("rope_theta"))
        .or(() -> config.number("rope_theta"))
        .orElse(1e4);
  }
}
