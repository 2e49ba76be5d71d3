package dev.monoquant.files.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

  @TempDir private Path folder;

  private List<SideFile> file(String name, String json) throws IOException {
    Path path = Files.writeString(folder.resolve(name), json);
    return List.of(new SideFile(name, path));
  }

  private ModelConfig config(String json) throws IOException {
    return ModelConfig.of(file(ModelConfig.FILE, json), ReadLimits.DEFAULT);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'dtype': 'float16'}|FLOAT16",
        "{'torch_dtype': 'torch.bfloat16'}|BFLOAT16",
        "{'torch_dtype': 'float32', 'text_config': {'dtype': 'float16'}}|FLOAT32",
        "{'dtype': 'auto', 'text_config': {'llm_config': {'dtype': 'float16'}}}|FLOAT16",
      })
  void theFirstPartWithATypeOfWeightsDecides(String json, ElementType type) throws IOException {
    assertThat(config(json.replace('\'', '"')).floats()).contains(type);
  }

  @Test
  void keysAreFoundInTheRootAndThenInTheLanguageModel() throws IOException {
    ModelConfig config =
        config(
            "{\"model_type\":\"a\",\"hidden_size\":3,\"vision_config\":{\"vocab_size\":9},"
                + "\"text_config\":{\"model_type\":\"b\",\"hidden_size\":4,\"vocab_size\":5}}");
    assertThat(config.modelTypes()).containsExactly("a", "b");
    assertThat(config.count("hidden_size")).contains(3L);
    assertThat(config.count("vocab_size")).contains(5L);
    assertThat(config.floats()).isEmpty();
    assertThat(config.tiesWords()).isEmpty();
  }

  @Test
  void aFileThatIsNoObjectIsEmptyAndOneThatIsNoJsonIsRefused() throws IOException {
    JsonValue.Obj nothing = config("[1]").root();
    assertThat(nothing.members()).isEmpty();
    assertThat(ModelConfig.of(List.of(), ReadLimits.DEFAULT).root()).isEqualTo(nothing);
    assertThat(
            ModelConfig.read(file("other.json", "{}"), ModelConfig.MODEL_OPT, ReadLimits.DEFAULT))
        .isEmpty();
    assertThatThrownBy(() -> config("{"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("config.json");
  }
}
