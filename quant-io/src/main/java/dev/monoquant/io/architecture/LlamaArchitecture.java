package dev.monoquant.io.architecture;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Llama, Mistral and Mixtral, all {@code llama} in GGUF. Rows of queries and keys are in pairs; the
 * scaling of Llama 3 is the tensor {@code rope_freqs.weight}. Source: {@code conversion/llama.py}
 * of llama.cpp.
 */
@AutoService(GgufArchitecture.class)
public final class LlamaArchitecture implements GgufArchitecture {

  private static final String MIXTRAL = "MixtralForCausalLM";

  /** Made by the service loader. */
  public LlamaArchitecture() {}

  @Override
  public String id() {
    return "llama";
  }

  @Override
  public Set<String> models() {
    return Set.of("LlamaForCausalLM", "LlamaModel", "MistralForCausalLM", MIXTRAL);
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters given) {
    MappingBuilder to = new MappingBuilder("llama", model);
    Hyperparameters config = given;
    if (modelClass.equals(MIXTRAL)) {
      Map<String, Object> values = new HashMap<>(given.values());
      values.putIfAbsent("num_experts_per_tok", 2L);
      values.putIfAbsent("rms_norm_eps", 1e-5);
      config = new Hyperparameters(given.file(), values);
    }
    Decoder decoder = new Decoder(to, model, config, Decoder.NAMES).withInterleavedHeads();
    double usualTheta = modelClass.equals(MIXTRAL) ? 1e6 : 1e4;
    decoder.describe(usualTheta);
    to.activation(config, "hidden_act", "silu", "swish");
    to.window(config);
    to.put("vocab_size", config.require("vocab_size"));
    int width =
        config
            .count("head_dim")
            .orElse(config.require("hidden_size") / config.require("num_attention_heads"));
    to.put("rope.dimension_count", width);
    Rotary rotary = Rotary.of(config, usualTheta);
    if (rotary.type().equals("llama3")) {
      to.numbers("rope_freqs.weight", rotary.llama3Factors(width));
    }
    decoder.map();
    return to.build();
  }
}
