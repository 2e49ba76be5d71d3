package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufLayout;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Model directories of transformers as GGUF files, against those of convert_hf_to_gguf.py. The
 * models have random numbers and toy tokenizers; the name of the pre-tokenizer was given to the
 * peer, which knows only published vocabularies.
 */
class GgufConversionTest {

  /** What differs on purpose: names of folders, a count as a word, and ids that the peer lacks. */
  private static final Set<String> OWN =
      Set.of(
          "general.name",
          "general.size_label",
          "tokenizer.ggml.unknown_token_id",
          "gemma2.rope.freq_base");

  @TempDir private Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(GgufConversionTest.class.getResource("/gguf/transformers/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private Path convert(Path input) {
    Path target = folder.resolve("converted.gguf");
    Quantizer.create()
        .withSync(false)
        .convert(ModelInput.of(input), target, Optional.empty(), false);
    return target;
  }

  private static GgufFile open(Path path) throws IOException {
    return GgufFile.open(path, path.toString(), ReadLimits.DEFAULT);
  }

  /** A model that the test may change. */
  private Path copy(String name) throws IOException {
    Path copy = Files.createDirectories(folder.resolve(name));
    try (Stream<Path> files = Files.list(resource(name))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    return copy;
  }

  private static void replace(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private static Map<String, GgufTensor> byName(GgufFile file) {
    Map<String, GgufTensor> tensors = new TreeMap<>();
    file.tensors().forEach(t -> tensors.put(t.name(), t));
    return tensors;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert",
        "gemma2",
        "gemma3",
        "llama3",
        "mistral",
        "mixtral",
        "phi3",
        "qwen2",
        "qwen2moe",
        "qwen3moe"
      })
  void makesWhatThePeerMakes(String model) throws IOException {
    try (GgufFile ours = open(convert(resource(model)));
        GgufFile theirs = open(resource(model + ".gguf"))) {
      Map<String, GgufTensor> own = byName(ours);
      Map<String, GgufTensor> other = byName(theirs);
      assertThat(own.keySet()).isEqualTo(other.keySet());
      other.forEach(
          (name, tensor) -> {
            assertThat(own.get(name).type()).as(name).isEqualTo(tensor.type());
            assertThat(own.get(name).shape()).as(name).isEqualTo(tensor.shape());
          });
      for (String name : other.keySet()) {
        GgufTensor tensor = other.get(name);
        assertThat(ours.read(own.get(name), 0, (int) tensor.bytes()))
            .as(name)
            .isEqualTo(theirs.read(tensor, 0, (int) tensor.bytes()));
      }
      Map<String, GgufLayout.Value> values = values(ours);
      Map<String, GgufLayout.Value> expected = values(theirs);
      assertThat(values.keySet()).isEqualTo(expected.keySet());
      expected.forEach(
          (key, value) -> {
            assertThat(values.get(key).type()).as(key).isEqualTo(value.type());
            assertThat(values.get(key).bytes()).as(key).isEqualTo(value.bytes());
          });
    }
  }

  private static Map<String, GgufLayout.Value> values(GgufFile file) throws IOException {
    Map<String, GgufLayout.Value> values = new TreeMap<>();
    for (String key : file.metadata().keySet()) {
      if (!OWN.contains(key) && !key.startsWith("monoquant.")) {
        values.put(key, file.value(key));
      }
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "gemma3", "llama3", "mixtral", "phi3", "qwen2moe"})
  void isVerifiedAndComparedAcrossTheNames(String model) {
    Path target = convert(resource(model));
    ModelInput original = ModelInput.of(resource(model));
    assertThat(
            Quantizer.create()
                .verify(target, Optional.of(ModelInput.of(resource(model))))
                .differences())
        .isEmpty();
    assertThat(Quantizer.create().compare(original, ModelInput.of(target)).identical()).isTrue();
    assertThat(Quantizer.create().compare(ModelInput.of(target), original).identical()).isTrue();
  }

  @Test
  void weightsAreQuantizedUnderTheNamesOfGguf() throws IOException {
    Path target = folder.resolve("f16.gguf");
    Report report =
        Quantizer.create()
            .withSync(false)
            .quantize(
                ModelInput.of(resource("bert")),
                QuantizationConfig.builder().scheme("float16").build(),
                target,
                false);
    assertThat(report.plan().weights())
        .extracting(w -> w.weight().name())
        .contains("blk.0.attn_q.weight", "token_embd.weight")
        .doesNotContain("position_embd.weight", "token_types.weight");
    assertThat(report.plan().problems())
        .extracting(p -> p.message())
        .contains("tensor \"pooler.dense.weight\" is left out: embeddings do not need it");
    assertThat(Quantizer.create().verify(target, Optional.empty()).differences()).isEmpty();
  }

  @Test
  void anUnknownArchitectureIsRefusedWithTheKnownOnes() throws IOException {
    Path model = copy("qwen2");
    replace(model.resolve("config.json"), "Qwen2ForCausalLM", "GrokForCausalLM");
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("\"GrokForCausalLM\" is not known")
        .hasMessageContaining("BertModel")
        .hasMessageContaining("Qwen3MoeForCausalLM");
  }

  @Test
  void aTensorWithoutAPlaceIsRefusedByName() throws IOException {
    Path model = copy("qwen2");
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    Files.write(
        weights,
        text.replace("layers.1.self_attn.o_proj", "layers.1.self_attn.x_proj")
            .getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("\"model.layers.1.self_attn.x_proj.weight\"");
  }

  @Test
  void theCountOfBlocksIsChecked() throws IOException {
    Path model = copy("qwen2");
    replace(model.resolve("config.json"), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("\"model.layers.2\"");
    replace(
        model.resolve("config.json"),
        "\"num_hidden_layers\": 3",
        "\"num_hidden_layers\": 2147483647");
    assertThatThrownBy(() -> convert(model)).isInstanceOf(ModelFormatException.class);
    replace(
        model.resolve("config.json"),
        "\"num_hidden_layers\": 2147483647",
        "\"num_hidden_layers\": 1");
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("layers.1.");
  }

  @Test
  void valuesOfTheWrongKindAreRefusedByName() throws IOException {
    for (String wrong : List.of("\"8\"", "-8", "8.5", "[8]", "1e400", "null")) {
      Path model = copy("qwen2");
      replace(model.resolve("config.json"), "\"hidden_size\": 8", "\"hidden_size\": " + wrong);
      assertThatThrownBy(() -> convert(model))
          .as(wrong)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("\"hidden_size\"");
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
    }
  }

  @Test
  void aMissingExpertIsRefused() throws IOException {
    Path model = copy("qwen3moe");
    replace(model.resolve("config.json"), "\"num_local_experts\": 4", "\"num_local_experts\": 5");
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is one of 4 experts");
  }

  @Test
  void aModelWithoutTokenizerIsRefused() throws IOException {
    Path model = copy("qwen2");
    Files.delete(model.resolve("tokenizer.json"));
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("tokenizer.json, tokenizer.model, vocab.txt");
  }

  @Test
  void rotaryEmbeddingsThatGgufLacksAreRefused() throws IOException {
    Path model = copy("llama3");
    replace(model.resolve("config.json"), "\"rope_type\": \"llama3\"", "\"rope_type\": \"x\"");
    assertThatThrownBy(() -> convert(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("of type \"x\"");
  }

  @Test
  void aFloatModelOfTheSameFormatIsStillNotConverted() {
    assertThatThrownBy(
            () ->
                Quantizer.create()
                    .convert(
                        ModelInput.of(resource("bert.gguf")),
                        folder.resolve("again.gguf"),
                        Optional.empty(),
                        false))
        .hasMessageContaining("it holds no quantized weights");
  }
}
