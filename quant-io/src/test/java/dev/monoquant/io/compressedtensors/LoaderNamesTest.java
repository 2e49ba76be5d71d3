package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Module names as transformers 5.24 and vLLM 0.33 give them. */
class LoaderNamesTest {

  private static LoaderNames names(String modelType) {
    return LoaderNames.of(
        new ModelConfig(new JsonValue.Obj(Map.of("model_type", JsonValue.of(modelType)))));
  }

  @Test
  void innerNamesAreThoseOfTheLoader() {
    LoaderNames vit = names("vit");
    assertThat(vit.of("vit.encoder.layer.11.attention.attention.query"))
        .containsExactly("vit.layers.11.attention.q_proj");
    assertThat(vit.of("vit.encoder.layer.11.attention.output.dense"))
        .containsExactly("vit.layers.11.attention.o_proj");
    assertThat(vit.of("vit.encoder.layer.11.intermediate.dense"))
        .containsExactly("vit.layers.11.mlp.fc1");
    assertThat(vit.of("vit.encoder.layer.11.output.dense"))
        .containsExactly("vit.layers.11.mlp.fc2");
    assertThat(vit.of("classifier")).isEmpty();
    assertThat(names("segformer").of("segformer.encoder.block.2.0.mlp.dense1"))
        .containsExactly("segformer.stages.2.blocks.0.mlp.fc1");
    assertThat(names("detr").of("model.encoder.layers.3.fc1"))
        .containsExactly("model.encoder.layers.3.mlp.fc1");
    assertThat(names("gpt_neox").of("embed_out")).containsExactly("lm_head");
    assertThat(names("whisper").of("model.encoder.layers.0.fc1"))
        .containsExactly("model.encoder.layers.0.mlp.fc1");
    assertThat(names("jamba").of("model.layers.1.self_attn.q_proj"))
        .containsExactly("model.layers.1.q_proj");
    assertThat(names("llama").of("vit.encoder.layer.0.intermediate.dense")).isEmpty();
  }

  @Test
  void entriesSelectBothNamesAndNoOthers() {
    List<String> modules =
        List.of("vit.encoder.layer.0.output.dense", "vit.encoder.layer.1.output.dense");
    List<String> others =
        List.of(
            "vit.encoder.layer.0.attention.output.dense", "vit.encoder.layer.0.intermediate.dense");
    List<String> entries = names("vit").selecting(modules, others);
    for (String module : modules) {
      assertThat(selected(entries, module)).isTrue();
      assertThat(selected(entries, names("vit").of(module).iterator().next())).isTrue();
      assertThat(selected(entries, "model." + names("vit").of(module).iterator().next())).isTrue();
    }
    for (String module : others) {
      assertThat(selected(entries, module)).isFalse();
      assertThat(selected(entries, names("vit").of(module).iterator().next())).isFalse();
    }
  }

  private static boolean selected(List<String> entries, String module) {
    return entries.stream()
        .anyMatch(
            entry ->
                entry.startsWith("re:")
                    ? Pattern.compile(entry.substring(3)).matcher(module).lookingAt()
                    : entry.equals(module));
  }

  @Test
  void expertsWithNamesArePartsOfOnePattern() {
    List<String> entries =
        ModulePatterns.selecting(
            List.of(
                "encoder.block.1.layer.1.mlp.experts.expert_0.wi",
                "encoder.block.1.layer.1.mlp.experts.expert_17.wi"),
            List.of("encoder.block.1.layer.1.mlp.experts.expert_0.wo"));
    assertThat(entries)
        .contains(
            "re:(.*\\.)?encoder\\.block\\.\\d+\\.layer\\.\\d+\\.mlp\\.experts\\.expert_\\d+\\.wi$")
        .hasSize(3);
  }
}
