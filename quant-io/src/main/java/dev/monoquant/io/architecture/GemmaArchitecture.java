package dev.monoquant.io.architecture;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Gemma 2 and 3, the language part. Norms are stored as what they multiply by, which is greater by
 * one than their weight in transformers; the head is always the embedding. Source: {@code
 * conversion/gemma.py} of llama.cpp.
 */
@AutoService(GgufArchitecture.class)
public final class GemmaArchitecture implements GgufArchitecture {

  private static final String GEMMA2 = "Gemma2ForCausalLM";

  private static final String GELU = "gelu_pytorch_tanh";

  private static final Map<String, String> NAMES = new HashMap<>(Decoder.NAMES);

  static {
    NAMES.put("post_attention_layernorm", "post_attention_norm");
    NAMES.put("pre_feedforward_layernorm", "ffn_norm");
    NAMES.put("post_feedforward_layernorm", "post_ffw_norm");
  }

  /** Made by the service loader. */
  public GemmaArchitecture() {}

  @Override
  public String id() {
    return "gemma";
  }

  @Override
  public Set<String> models() {
    return Set.of(GEMMA2, "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration");
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    boolean second = modelClass.equals(GEMMA2);
    MappingBuilder to = new MappingBuilder(second ? "gemma2" : "gemma3", model);
    Map<String, Object> values = new HashMap<>(config.values());
    values.put("tie_word_embeddings", true);
    values.putIfAbsent("head_dim", 256L);
    values.putIfAbsent("hidden_activation", values.getOrDefault("hidden_act", GELU));
    values.putIfAbsent("num_attention_heads", 8L);
    values.putIfAbsent("num_key_value_heads", 4L);
    values.putIfAbsent("max_position_embeddings", second ? 8192L : 131072L);
    Hyperparameters own = new Hyperparameters(config.file(), values);
    Decoder decoder = new Decoder(to, model, own, NAMES).withNormsPlusOne();
    decoder.describe(second ? 1e4 : 1e6);
    // Files of early releases say gelu and mean its approximation, as transformers reads them.
    to.activation(own, "hidden_activation", GELU, "gelu");
    scale(to, own, second ? 46 : 62);
    pattern(to, own, second ? 2 : 6);
    softcap(to, "attn_logit_softcapping", own.number("attn_logit_softcapping"));
    softcap(to, "final_logit_softcapping", own.number("final_logit_softcapping"));
    to.putIfPresent("attention.sliding_window", own.count("sliding_window"));
    to.putWhole("tokenizer.ggml.add_space_prefix", false);
    decoder.map();
    return to.build();
  }

  /** Tells that llama.cpp divides queries by the root of another number. */
  private static void scale(MappingBuilder to, Hyperparameters config, int blocksOfLargest) {
    int heads = config.require("num_attention_heads");
    double own =
        config.require("num_hidden_layers") == blocksOfLargest
            ? (double) config.require("hidden_size") / heads
            : config.require("head_dim");
    double said = config.number("query_pre_attn_scalar").orElse(own);
    if (said != own) {
      to.note(
          "query_pre_attn_scalar in config.json is "
              + said
              + ", and llama.cpp takes "
              + own
              + ": its results differ from those of transformers");
    }
  }

  /**
   * Stores how often a block has full attention, if not as usual.
   *
   * @param usual the period that llama.cpp takes without a value
   */
  private static void pattern(MappingBuilder to, Hyperparameters config, int usual) {
    int period = config.count("sliding_window_pattern").orElse(usual);
    if (config.values().get("layer_types") instanceof List<?> types && !isEvery(types, usual)) {
      period = 1;
      while (period <= types.size() && !isEvery(types, period)) {
        period++;
      }
      if (period > types.size() + 1 || !isEvery(types, period)) {
        to.note(
            "full attention in config.json comes in no regular distance, as llama.cpp has it: its"
                + " results differ from those of transformers");
        return;
      }
    }
    if (period != usual && period > 0) {
      to.put("attention.sliding_window_pattern", period);
    }
  }

  private static boolean isEvery(List<?> types, int period) {
    for (int i = 0; i < types.size(); i++) {
      if (types.get(i).equals("full_attention") != ((i + 1) % period == 0)) {
        return false;
      }
    }
    return true;
  }

  private static void softcap(MappingBuilder to, String key, Optional<Double> value) {
    value.ifPresent(cap -> to.put(key, cap.floatValue()));
  }
}
