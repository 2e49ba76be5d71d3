package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Family;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which layers vLLM and transformers fuse, by their names. */
class FusedLayersTest {

  private static List<Family> families(String... layers) {
    return FusedLayers.of(
        Arrays.stream(layers)
            .map(
                layer ->
                    new TensorInfo(layer + ".weight", ElementType.BFLOAT16, TensorShape.of(32, 64)))
            .toList());
  }

  @ParameterizedTest
  @CsvSource({
    "a.self_attn, q_proj k_proj v_proj o_proj, q_proj k_proj v_proj",
    "a.attention.self, query key value, query key value",
    "a.attn, wq wk wv wo, wq wk wv",
    "a.attn, q k v proj, q k v",
    "a.self_attn, q_a_proj q_b_proj kv_a_proj_with_mqa kv_b_proj, q_a_proj kv_a_proj_with_mqa",
    "a.encoder_attn, q_proj k_proj v_proj out_proj, k_proj v_proj",
    "a.linear_attn, in_proj_qkv in_proj_z out_proj, in_proj_qkv in_proj_z",
    "a.linear_attn, in_proj_b in_proj_a, in_proj_b in_proj_a",
    "a.mlp, gate_proj up_proj down_proj, gate_proj up_proj",
    "a.feed_forward, w1 w2 w3, w1 w3",
    "a.mlp, w1 w2 c_proj, w1 w2",
    "a.mlp, c_fc_0 c_fc_1 c_proj, c_fc_0 c_fc_1",
    "a.mlp, fc1 fc2 fc3, fc1 fc3",
    "'', q_proj k_proj, q_proj k_proj",
  })
  void namesThatAreFused(String module, String layers, String fused) {
    String prefix = module.isEmpty() ? "" : module + ".";
    String[] all =
        Arrays.stream(layers.split(" ")).map(layer -> prefix + layer).toArray(String[]::new);
    assertThat(families(all))
        .singleElement()
        .satisfies(
            family -> {
              assertThat(family.layers())
                  .containsExactlyElementsOf(
                      Arrays.stream(fused.split(" ")).map(name -> prefix + name).toList());
              assertThat(family.name()).isEqualTo(prefix + "(" + fused.replace(' ', '|') + ")");
              assertThat(family.quantizedOnly()).isFalse();
            });
  }

  @Test
  void otherLayersAreFree() {
    assertThat(
            families(
                "a.attn.c_attn",
                "a.mlp.fc1",
                "a.mlp.fc2",
                "T5.layer.0.SelfAttention.q",
                "T5.layer.0.SelfAttention.k",
                "b.q_proj",
                "c.k_proj",
                "lm_head"))
        .isEmpty();
  }

  @Test
  void allExpertsOfAModelAreOneFamilyAndQuantizedOnly() {
    assertThat(
            families(
                "model.layers.0.mlp.experts.0.gate_proj",
                "model.layers.0.mlp.experts.0.down_proj",
                "model.layers.0.mlp.shared_experts.gate_proj",
                "model.layers.0.mlp.shared_experts.up_proj",
                "model.layers.1.mlp.experts.10.gate_proj"))
        .containsExactly(
            new Family(
                "model.layers.*.mlp.experts.*",
                List.of(
                    "model.layers.0.mlp.experts.0.gate_proj",
                    "model.layers.0.mlp.experts.0.down_proj",
                    "model.layers.1.mlp.experts.10.gate_proj"),
                true),
            new Family(
                "model.layers.0.mlp.shared_experts.(gate_proj|up_proj)",
                List.of(
                    "model.layers.0.mlp.shared_experts.gate_proj",
                    "model.layers.0.mlp.shared_experts.up_proj"),
                false));
  }

  @Test
  void gateAndUpOfAnExpertAreOneToo() {
    assertThat(families("a.experts.0.w1", "a.experts.0.w2", "a.experts.0.w3", "a.experts.1.w1"))
        .containsExactly(
            new Family(
                "a.experts.*",
                List.of("a.experts.0.w1", "a.experts.0.w2", "a.experts.0.w3", "a.experts.1.w1"),
                true),
            new Family("a.experts.0.(w1|w3)", List.of("a.experts.0.w1", "a.experts.0.w3"), false));
  }

  @Test
  void onlyMatricesOfFloatsCount() {
    assertThat(
            FusedLayers.of(
                List.of(
                    new TensorInfo("q_proj.weight", ElementType.INT8, TensorShape.of(4, 4)),
                    new TensorInfo("k_proj.weight", ElementType.FLOAT32, TensorShape.of(4)),
                    new TensorInfo("v_proj.bias", ElementType.FLOAT32, TensorShape.of(4, 4)),
                    new TensorInfo("v_proj.weight", ElementType.FLOAT32, TensorShape.of(4, 4)))))
        .isEmpty();
  }

  @Test
  void expertsWithNamesAreOneFamilyThatMayStayInFloat() {
    assertThat(
            families("m.1.mlp.experts.expert_0.wi", "m.1.mlp.experts.expert_11.wi", "m.1.mlp.wo"))
        .singleElement()
        .satisfies(
            family -> {
              assertThat(family.layers())
                  .containsExactly("m.1.mlp.experts.expert_0.wi", "m.1.mlp.experts.expert_11.wi");
              assertThat(family.quantizedOnly()).isFalse();
            });
  }
}
