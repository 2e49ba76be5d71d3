package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GGUF models as directories of transformers: there and back nothing changes but types. */
class RestoredModelTest {

  @TempDir private Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(RestoredModelTest.class.getResource("/gguf/transformers/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private Path convert(Path input, String name, Optional<String> format) {
    Path target = folder.resolve(name);
    Quantizer.create().withSync(false).convert(ModelInput.of(input), target, format, false);
    return target;
  }

  private Path restore(String gguf) {
    return convert(resource(gguf), "restored", Optional.of("model-directory"));
  }

  private static Comparison compare(Path a, Path b) {
    return Quantizer.create().compare(ModelInput.of(a), ModelInput.of(b));
  }

  /**
   * The peer's file gives the tensors of the directory that it was made of, as float32 or equal.
   */
  @ParameterizedTest
  @ValueSource(strings = {"llama3", "mistral", "mixtral", "qwen2", "qwen2moe", "qwen3moe"})
  void restoresTheTensors(String model) {
    Path restored = restore(model + ".gguf");
    // Two directories: nothing is mapped here.
    Comparison comparison = compare(resource(model), restored);
    assertThat(comparison.onlyInA()).isEmpty();
    assertThat(comparison.onlyInB()).isEmpty();
    assertThat(comparison.mismatched()).isEmpty();
    assertThat(comparison.total().maxError()).isZero();
  }

  @Test
  void aBertLosesItsPoolerAlone() {
    Comparison comparison = compare(resource("bert"), restore("bert.gguf"));
    assertThat(comparison.onlyInA())
        .extracting(TensorInfo::name)
        .containsExactlyInAnyOrder("pooler.dense.weight", "pooler.dense.bias");
    assertThat(comparison.onlyInB()).isEmpty();
    assertThat(comparison.total().maxError()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "llama3", "mixtral", "qwen2moe"})
  void isVerifiedAndComparedAcrossTheNames(String model) {
    Path restored = restore(model + ".gguf");
    assertThat(
            Quantizer.create()
                .verify(restored, Optional.of(ModelInput.of(resource(model + ".gguf"))))
                .differences())
        .isEmpty();
    assertThat(compare(restored, resource(model + ".gguf")).total().maxError()).isZero();
    assertThat(compare(restored, resource(model + ".gguf")).onlyInA()).isEmpty();
  }

  /** The restored directory makes the same vocabulary again. */
  @ParameterizedTest
  @ValueSource(strings = {"bert", "llama3", "mixtral", "qwen2moe"})
  void makesTheSameGgufAgain(String model) throws IOException {
    Path again = convert(restore(model + ".gguf"), "again.gguf", Optional.empty());
    Comparison comparison = compare(resource(model + ".gguf"), again);
    assertThat(comparison.total().maxError()).isZero();
    assertThat(comparison.onlyInA()).isEmpty();
    assertThat(comparison.onlyInB()).isEmpty();
    assertThat(Files.readString(folder.resolve("restored/config.json")))
        .contains("\"vocab_size\": 40", "\"num_hidden_layers\": 2");
  }

  @Test
  void anArchitectureThatIsNotRestoredIsRefused() {
    assertThatThrownBy(() -> restore("gemma2.gguf"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("gemma2 is not restored; bert, llama, qwen2");
  }

  @Test
  void aModelThatIsNotGgufIsRefused() {
    assertThatThrownBy(() -> convert(resource("bert"), "x", Optional.of("model-directory")))
        .hasMessageContaining("is no GGUF model of floats");
  }
}
