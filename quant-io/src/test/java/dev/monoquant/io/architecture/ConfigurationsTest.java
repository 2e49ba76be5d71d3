package dev.monoquant.io.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * What config.json leaves out, which each class of transformers has its own default for, and what
 * llama.cpp computes otherwise. The values were checked with logits of both (llama.cpp v0.5.0).
 */
class ConfigurationsTest {

  private static final ModelInfo PLAIN = ToyModels.decoder(ToyModels.projections());

  private static Hyperparameters without(String key, Map<String, Object> more) {
    Map<String, Object> values = new HashMap<>(ToyModels.config(more).values());
    values.remove(key);
    return new Hyperparameters("config.json", values);
  }

  private static GgufMapping llama(Map<String, Object> more) {
    return new LlamaArchitecture().map("LlamaForCausalLM", PLAIN, ToyModels.config(more));
  }

  private static Map<String, Object> gemma(Map<String, Object> more) {
    Map<String, Object> values = new HashMap<>(more);
    values.put("head_dim", 4L);
    return new GemmaArchitecture()
        .map("Gemma3ForCausalLM", PLAIN, ToyModels.config(values))
        .metadata();
  }

  @Test
  void headsOfKeysAreCountedInTheModel() {
    Hyperparameters config = without("num_key_value_heads", Map.of());
    for (GgufArchitecture each : List.of(new LlamaArchitecture(), new QwenArchitecture())) {
      GgufMapping mapping = each.map("MistralForCausalLM", PLAIN, config);
      assertThat(mapping.metadata())
          .containsEntry(mapping.architecture() + ".attention.head_count_kv", 1);
    }
  }

  @Test
  void theWidthOfHeadsIsThatOfTheQueries() {
    GgufMapping mapping =
        new QwenArchitecture()
            .map(
                "Qwen3ForCausalLM",
                PLAIN,
                ToyModels.config(Map.of("num_attention_heads", 1L, "hidden_size", 4L)));
    assertThat(mapping.metadata())
        .containsEntry("qwen3.attention.key_length", 8)
        .containsEntry("qwen3.attention.value_length", 8);
    assertThat(llama(Map.of()).metadata()).doesNotContainKey("llama.attention.key_length");
  }

  /** Their rows would be put into pairs of another width. */
  @Test
  void rowsOfAnotherCountOfHeadsAreRefused() {
    assertThatThrownBy(() -> llama(Map.of("num_key_value_heads", 2L)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("self_attn.k_proj.weight")
        .hasMessageContaining("has 4 rows, which are not those of 2 heads");
  }

  @Test
  void mixturesHaveTheirDefaults() {
    Map<String, Object> mixtral =
        new LlamaArchitecture()
            .map("MixtralForCausalLM", PLAIN, ToyModels.config(Map.of()))
            .metadata();
    assertThat(mixtral)
        .containsEntry("llama.expert_used_count", 2)
        .containsEntry("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    Map<String, Object> qwen =
        new QwenArchitecture()
            .map("Qwen3MoeForCausalLM", PLAIN, ToyModels.config(Map.of()))
            .metadata();
    assertThat(qwen).containsEntry("qwen3moe.expert_used_count", 8);
  }

  @Test
  void anAttentionFactorIsSaidAsWhatLlamaCppMultipliesBy() {
    Map<String, Object> yarn =
        Map.of("type", "yarn", "factor", 4.0, "original_max_position_embeddings", 16L);
    String key = "llama.rope.scaling.attn_factor";
    assertThat(llama(Map.of("rope_scaling", yarn)).metadata()).doesNotContainKey(key);
    Map<String, Object> other = new HashMap<>(yarn);
    other.put("attention_factor", 0.8);
    assertThat(llama(Map.of("rope_scaling", other)).metadata())
        .containsEntry(key, (float) (0.8 / (0.1 * Math.log(4) + 1)))
        .containsEntry("llama.rope.scaling.yarn_attn_factor", 0.8f);
  }

  @Test
  void thePatternOfFullAttentionIsStoredIfItIsNotTheUsualOne() {
    String key = "gemma3.attention.sliding_window_pattern";
    String sliding = "sliding_attention";
    String full = "full_attention";
    assertThat(gemma(Map.of("layer_types", List.of(sliding, sliding)))).doesNotContainKey(key);
    assertThat(gemma(Map.of("layer_types", List.of(sliding, full)))).containsEntry(key, 2);
    assertThat(gemma(Map.of("layer_types", List.of(full, full)))).containsEntry(key, 1);
    assertThat(gemma(Map.of("sliding_window_pattern", 3L))).containsEntry(key, 3);
    assertThat(gemma(Map.of())).doesNotContainKey(key);
  }

  @Test
  void whatLlamaCppComputesOtherwiseIsTold() {
    assertThat(llama(Map.of("hidden_act", "silu")).notes()).isEmpty();
    assertThat(llama(Map.of("hidden_act", "relu")).notes())
        .containsExactly(
            "hidden_act in config.json is relu, and llama.cpp computes silu for llama: its results"
                + " differ from those of transformers");
    assertThat(llama(Map.of("sliding_window", 64L)).notes()).isEmpty();
    assertThat(llama(Map.of("sliding_window", 32L)).notes())
        .singleElement()
        .asString()
        .contains("sliding_window", "32");
    GemmaArchitecture gemma = new GemmaArchitecture();
    Map<String, Object> irregular =
        Map.of(
            "head_dim", 4L,
            "query_pre_attn_scalar", 9L,
            "layer_types", List.of("full_attention", "sliding_attention"));
    assertThat(gemma.map("Gemma3ForCausalLM", PLAIN, ToyModels.config(irregular)).notes())
        .hasSize(2)
        .anyMatch(note -> note.contains("query_pre_attn_scalar in config.json is 9.0"))
        .anyMatch(note -> note.contains("no regular distance"));
    QwenArchitecture qwen = new QwenArchitecture();
    Map<String, Object> windowed = Map.of("use_sliding_window", true, "sliding_window", 8L);
    assertThat(qwen.map("Qwen2ForCausalLM", PLAIN, ToyModels.config(windowed)).notes()).hasSize(1);
  }
}
