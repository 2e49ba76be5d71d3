package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufLayout;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GGUF models from reading to verified outputs, against what llama.cpp's quantizer makes. */
class GgufModelTest {

  @TempDir private Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(GgufModelTest.class.getResource("/gguf/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private Report quantize(Path input, String scheme, Path target) {
    return Quantizer.create()
        .withSync(false)
        .quantize(
            ModelInput.of(input),
            QuantizationConfig.builder().scheme(scheme).build(),
            target,
            false);
  }

  private static GgufFile open(Path path) throws IOException {
    return GgufFile.open(path, path.toString(), ReadLimits.DEFAULT);
  }

  /** Data, order, shapes and metadata; llama.cpp v0.5.0 of npm's package, two threads. */
  @Test
  void makesWhatLlamaQuantizeMakes() throws IOException {
    Path target = folder.resolve("q8.gguf");
    quantize(resource("tiny-f16.gguf"), "ggml/q8-0", target);
    try (GgufFile ours = open(target);
        GgufFile theirs = open(resource("tiny-q8_0.gguf"))) {
      assertThat(ours.tensors()).isEqualTo(theirs.tensors());
      for (GgufTensor tensor : theirs.tensors()) {
        assertThat(ours.read(tensor, 0, (int) tensor.bytes()))
            .as(tensor.name())
            .isEqualTo(theirs.read(tensor, 0, (int) tensor.bytes()));
      }
      List<String> keys =
          ours.metadata().keySet().stream().filter(k -> !k.startsWith("monoquant.")).toList();
      assertThat(keys).containsExactlyElementsOf(theirs.metadata().keySet());
      for (String key : keys) {
        GgufLayout.Value own = ours.value(key);
        assertThat(own.type()).isEqualTo(theirs.value(key).type());
        assertThat(own.bytes()).as(key).isEqualTo(theirs.value(key).bytes());
      }
    }
  }

  /** Every byte is covered: of the header, of the data, and between tensors. */
  @Test
  void verificationFindsAnyChangedByte() throws IOException {
    Path target = folder.resolve("q5.gguf");
    quantize(resource("tiny-f16.gguf"), "ggml/q5-1", target);
    assertThat(Quantizer.create().verify(target, Optional.empty()).differences()).isEmpty();
    byte[] bytes = Files.readAllBytes(target);
    Random random = new Random(7);
    for (int i = 0; i < 60; i++) {
      byte[] changed = bytes.clone();
      changed[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      Path damaged = Files.write(folder.resolve("damaged.gguf"), changed);
      try {
        assertThat(Quantizer.create().verify(damaged, Optional.empty()).differences()).isNotEmpty();
      } catch (QuantException refused) {
        assertThat(refused).hasMessageContaining("damaged.gguf");
      }
    }
  }

  @Test
  void zerosBetweenTensorsAreVerified() throws IOException {
    GgufTensor row =
        new GgufTensor("blk.0.attn_q.weight", GgmlType.F32, TensorShape.of(1, 32), 0, 128);
    byte[] header = new GgufLayout(List.of(row), List.of(), 32).headerBytes();
    Path input = Files.write(folder.resolve("in.gguf"), Arrays.copyOf(header, header.length + 128));
    Path target = folder.resolve("q4.gguf");
    quantize(input, "ggml/q4-0", target);
    byte[] bytes = Files.readAllBytes(target);
    assertThat(bytes[bytes.length - 1]).isZero();
    bytes[bytes.length - 1] = 1;
    Files.write(target, bytes);
    assertThat(Quantizer.create().verify(target, Optional.empty()).differences())
        .extracting(Problem::message)
        .containsExactly("the bytes behind it are not zeros");
  }

  @Test
  void aCastIsAPlainType() throws IOException {
    Path target = folder.resolve("bf16.gguf");
    quantize(resource("tiny-f16.gguf"), "bfloat16", target);
    try (GgufFile file = open(target)) {
      assertThat(file.tensors())
          .filteredOn(t -> t.name().equals("blk.1.attn_q.weight"))
          .extracting(GgufTensor::type)
          .containsExactly(GgmlType.BF16);
      assertThat(file.metadata().get("general.file_type").text()).isEqualTo("32");
    }
    assertThat(Quantizer.create().verify(target, Optional.empty()).differences()).isEmpty();
  }

  /** A decoded file has the values of the quantized one, and quantizes to the same bytes. */
  @Test
  void decodingAndQuantizingAgainChangesNothing() throws IOException {
    Path first = folder.resolve("first.gguf");
    quantize(resource("tiny-f16.gguf"), "ggml/q8-0", first);
    Path floats = folder.resolve("floats.gguf");
    Quantizer.create()
        .withSync(false)
        .dequantize(ModelInput.of(first), floats, Optional.empty(), false);
    Path second = folder.resolve("second.gguf");
    quantize(floats, "ggml/q8-0", second);
    try (GgufFile a = open(first);
        GgufFile b = open(second)) {
      assertThat(b.tensors()).isEqualTo(a.tensors());
      for (GgufTensor tensor : a.tensors()) {
        assertThat(b.read(tensor, 0, (int) tensor.bytes()))
            .as(tensor.name())
            .isEqualTo(a.read(tensor, 0, (int) tensor.bytes()));
      }
    }
  }

  /**
   * Types that are not decoded are refused by their names, and listed with the bits of a number.
   */
  @Test
  void aTypeThatIsNotDecodedIsNamed() throws IOException {
    GgufTensor row =
        new GgufTensor("blk.0.attn_q.weight", GgmlType.Q8_K, TensorShape.of(1, 256), 0, 292);
    byte[] header = new GgufLayout(List.of(row), List.of(), 32).headerBytes();
    Path input = Files.write(folder.resolve("in.gguf"), Arrays.copyOf(header, header.length + 320));
    assertThat(Quantizer.create().inspect(ModelInput.of(input)).toTable(200))
        .containsPattern("ggml/q8-k +9\\.13 ");
    assertThatThrownBy(
            () ->
                Quantizer.create()
                    .dequantize(
                        ModelInput.of(input),
                        folder.resolve("x.safetensors"),
                        Optional.empty(),
                        false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "\"blk.0.attn_q.weight\" is quantized by ggml/q8-k, which is not decoded");
  }

  @Test
  void aSchemeWithoutATypeStaysInFloatAndIsNamed() throws IOException {
    Path target = folder.resolve("int4.gguf");
    assertThatThrownBy(() -> quantize(resource("tiny-f16.gguf"), "int4", target))
        .hasMessageContaining("a GGUF file has no type for int4@1");
    assertThat(target).doesNotExist();
  }

  @Test
  void anotherModelIsRefused() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 1, 1, 32);
    assertThatThrownBy(() -> quantize(input, "ggml/q8-0", folder.resolve("x.gguf")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("its architecture \"Test\" is not known")
        .hasMessageContaining("convert_hf_to_gguf.py");
  }
}
