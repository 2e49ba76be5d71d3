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

  private static final Map<String, String> MODELS =
      Map.of(
          "Qwen2ForCausalLM", "qwen2",
          "Qwen2Model", "qwen2",
          "Qwen2MoeForCausalLM", "qwen2moe",
          "Qwen3ForCausalLM", "qwen3",
          "Qwen3Model", "qwen3",
          "Qwen3MoeForCausalLM", "qwen3moe");

  /** Made by the service loader. */
  public QwenArchitecture() {}

  @Override
  public Set<String> models() {
    return MODELS.keySet();
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    MappingBuilder to = new MappingBuilder(MODELS.getOrDefault(modelClass, "qwen2"), model);
    Decoder decoder = new Decoder(to, model, config, Decoder.NAMES);
    decoder.describe(1e4);
    to.putIfPresent("expert_feed_forward_length", config.count("moe_intermediate_size"));
    to.putIfPresent(
        "expert_shared_feed_forward_length", config.count("shared_expert_intermediate_size"));
    decoder.map();
    return to.build();
  }
}
