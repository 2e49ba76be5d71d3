package dev.monoquant.io.scaling;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import java.util.Set;

/** Llama, Mistral, Mixtral, Qwen, Phi-3, Granite (without a mixture) and SmolLM3. */
@AutoService(ScaleMapping.class)
public final class LlamaScaling implements ScaleMapping {

  /** Made by the service loader. */
  public LlamaScaling() {}

  @Override
  public String id() {
    return "llama";
  }

  @Override
  public Set<String> models() {
    return Set.of(
        "GraniteForCausalLM",
        "GraniteModel",
        "LlamaForCausalLM",
        "LlamaModel",
        "MistralForCausalLM",
        "MistralModel",
        "MixtralForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen2Model",
        "Qwen2MoeForCausalLM",
        "Qwen3ForCausalLM",
        "Qwen3Model",
        "Qwen3MoeForCausalLM",
        "SmolLM3ForCausalLM",
        "SmolLM3Model");
  }

  @Override
  public boolean recognises(ModelInfo model) {
    return blocks(model).areCertain();
  }

  @Override
  public ScaleFolds folds(ModelInfo model) {
    return blocks(model).folds();
  }

  private static DecoderBlocks blocks(ModelInfo model) {
    return new DecoderBlocks(model, 0, "post_attention_layernorm");
  }
}
