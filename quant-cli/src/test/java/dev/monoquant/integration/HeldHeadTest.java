package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.SideFile;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A head that the configuration ties to the embedding, and that the file holds all the same. */
class HeldHeadTest {

  private static final int ELEMENTS = 320 * 64;

  @TempDir Path folder;

  private Plan plan(String config, String head, boolean same, String target) throws IOException {
    Path file = folder.resolve("config.json");
    Files.writeString(file, config);
    byte[] embedding = new byte[ELEMENTS * 4];
    for (int i = 0; i < embedding.length; i++) {
      embedding[i] = (byte) (i % 60);
    }
    byte[] other = embedding.clone();
    other[same ? 0 : other.length - 1] ^= (byte) (same ? 0 : 1);
    MemoryModel model =
        MemoryModel.named("m")
            .tensor(matrix("model.embed_tokens.weight"), embedding)
            .sines("model.layers.0.mlp.down_proj.weight", 64, 64)
            .tensor(matrix(head), other)
            .sideFiles(List.of(new SideFile("config.json", file)))
            .build();
    return Quantizer.create()
        .withPlugins(Plugins.load().with(new MemoryFormat(model)))
        .plan(
            ModelInput.of(Path.of("m")),
            // Named, since heads stay in float in directories unless they are.
            QuantizationConfig.builder().scheme("int8").include("*").include(head).build(),
            Optional.of(Path.of(target)));
  }

  private static TensorInfo matrix(String name) {
    return new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(320, 64));
  }

  private static Optional<String> whyKept(Plan plan, String tensor) {
    return plan.kept().stream()
        .filter(k -> k.tensor().name().equals(tensor))
        .map(UnquantizedTensor::reason)
        .findFirst();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"tie_word_embeddings\": true}; lm_head.weight",
        "{\"text_config\": {\"tie_word_embeddings\": true}}; language_model.lm_head.weight",
        "{\"tie_word_embeddings\": true}; embed_out.weight",
        "{}; lm_head.weight",
      })
  void staysInFloatAlsoWhereARuleSelectsIt(String config, String head) throws IOException {
    Plan plan = plan(config, head, true, "out");
    assertThat(whyKept(plan, head))
        .hasValue(
            "it is tied to model.embed_tokens.weight (tie_word_embeddings), and loaders have no"
                + " weight of its own");
    assertThat(plan.problems())
        .extracting(Problem::severity)
        .doesNotContain(Problem.Severity.WARNING, Problem.Severity.ERROR);
  }

  @Test
  void aDifferenceIsAWarning() throws IOException {
    Plan plan = plan("{\"tie_word_embeddings\": true}", "lm_head.weight", false, "out");
    assertThat(whyKept(plan, "lm_head.weight")).isPresent();
    assertThat(plan.problems())
        .filteredOn(p -> p.severity() == Problem.Severity.WARNING)
        .singleElement()
        .satisfies(
            p ->
                assertThat(p.message())
                    .contains(
                        "the head \"lm_head.weight\" differs from \"model.embed_tokens.weight\"",
                        "set tie_word_embeddings to false"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"tie_word_embeddings\": false}; true; out",
        "{}; false; out",
        "{\"tie_word_embeddings\": true}; true; out.safetensors",
      })
  void aHeadOfItsOwnIsQuantized(String config, boolean same, String target) throws IOException {
    Plan plan = plan(config, "lm_head.weight", same, target);
    assertThat(plan.weights())
        .extracting(w -> w.weight().name())
        .contains("lm_head.weight", "model.layers.0.mlp.down_proj.weight");
  }
}
