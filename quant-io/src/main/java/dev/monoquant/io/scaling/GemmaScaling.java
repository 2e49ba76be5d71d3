package dev.monoquant.io.scaling;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import java.util.Set;

/**
 * Gemma, whose norms add 1 to their weights. From the second on, another norm is before the
 * feed-forward part. Never recognised by names alone: the first has those of Llama.
 */
@AutoService(ScaleMapping.class)
public final class GemmaScaling implements ScaleMapping {

  private static final String SECOND = "pre_feedforward_layernorm";

  /** Made by the service loader. */
  public GemmaScaling() {}

  @Override
  public String id() {
    return "gemma";
  }

  @Override
  public Set<String> models() {
    return Set.of("GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM");
  }

  @Override
  public ScaleFolds folds(ModelInfo model) {
    boolean second =
        model.tensors().stream().anyMatch(t -> t.name().endsWith("." + SECOND + ".weight"));
    return new DecoderBlocks(model, 1, second ? SECOND : "post_attention_layernorm").folds();
  }
}
