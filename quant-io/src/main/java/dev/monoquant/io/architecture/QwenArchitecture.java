package dev.monoquant.io.architecture;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.Map;
import java.util.Set;

/** Qwen 2, 2.5 and 3, and their mixtures. Source: {@code conversion/qwen.py} of llama.cpp. */
@AutoService(GgufArchitecture.class)
public final class QwenArchitecture implements GgufArchitecture {

  private static final String QWEN2_MOE = "Qwen2MoeForCausalLM";
  private static final String QWEN3_MOE = "Qwen3MoeForCausalLM";

  private static final Map<String, String> MODELS =
      Map.of(
          "Qwen2ForCausalLM",
          "qwen2",
          "Qwen2Model",
          "qwen2",
          QWEN2_MOE,
          "qwen2moe",
          "Qwen3ForCausalLM",
          "qwen3",
          "Qwen3Model",
          "qwen3",
          QWEN3_MOE,
          "qwen3moe");

  /** Made by the service loader. */
  public QwenArchitecture() {}

  @Override
  public String id() {
    return "qwen";
  }

  @Override
  public Set<String> models() {
    return MODELS.keySet();
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    MappingBuilder to = new MappingBuilder(MODELS.getOrDefault(modelClass, "qwen2"), model);
    Decoder decoder = new Decoder(to, model, config, Decoder.NAMES);
    decoder.describe(1e4);
    to.activation(config, "hidden_act", "silu", "swish");
    if (config.flag("use_sliding_window").orElse(false)) {
      to.window(config);
    }
    to.putIfPresent("expert_feed_forward_length", config.count("moe_intermediate_size"));
    to.putIfPresent(
        "expert_shared_feed_forward_length", config.count("shared_expert_intermediate_size"));
    boolean third = modelClass.equals(QWEN3_MOE);
    boolean mixture = third || modelClass.equals(QWEN2_MOE);
    if (mixture && config.count("num_experts_per_tok").isEmpty()) {
      to.put("expert_used_count", third ? 8 : 4);
    }
    boolean scaled = config.flag("norm_topk_prob").orElse(third);
    if (mixture && scaled != third) {
      to.note(
          "norm_topk_prob in config.json is "
              + scaled
              + ", and llama.cpp computes such a mixture as if it were "
              + third
              + ": its results differ from those of transformers");
    }
    decoder.map();
    return to.build();
  }
}
