package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Verification;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Outputs verified as they are, beside their originals, and after every kind of change. */
class VerifyTest {

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  @TempDir private Path folder;

  private static Verification verify(Path output, Path against) {
    return Quantizer.create().verify(output, Optional.of(ModelInput.of(against)));
  }

  private static void change(Path file, long at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) (at < 0 ? bytes.length + at : at)] ^= 0x10;
    Files.write(file, bytes);
  }

  @Test
  void aFileAndADirectoryAreAsTheyWereWritten() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Path file = Checkpoint.file(folder.resolve("in.safetensors"), 1, 3, 32);
    Path directory = Checkpoint.directory(folder.resolve("in"), 1, 3, 32);
    for (Path input : List.of(file, directory)) {
      for (String name : List.of("q.safetensors", "q")) {
        Path output = folder.resolve(input.getFileName() + "-" + name);
        Report report = Quantizer.create().quantize(ModelInput.of(input), INT8, output, false);
        Verification result = verify(output, input);
        assertThat(result.differences()).isEmpty();
        // The very errors that the run reported, measured anew.
        assertThat(result.total()).isEqualTo(report.total());
        assertThat(result.made())
            .containsKeys("monoquant.tool", "monoquant.plugins", "monoquant.config");
        assertThat(result.made().get("monoquant.plugins")).contains("scheme int8", "Int8Scheme");
        assertThat(result.made().get("monoquant.config")).contains("\"non_finite\":\"fail\"");
        assertThat(Quantizer.create().verify(output, Optional.empty()).sound()).isTrue();
      }
    }
  }

  @Test
  void anotherOriginalIsNamed() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    Path other = Checkpoint.file(folder.resolve("other.safetensors"), 2, 2, 32);
    Path output = folder.resolve("q.safetensors");
    Quantizer.create().quantize(ModelInput.of(input), INT8, output, false);
    Verification result = verify(output, other);
    assertThat(result.differences().toString())
        .contains("input in.safetensors: no file of the original has the size with CRC32C")
        .contains("l0.bias: its bytes are not the original's from byte 0 on")
        .contains("l0.weight: row 0 decodes to numbers that are off by up to");
    assertThatThrownBy(result::requireNoDifferences)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("differences, the first: input in.safetensors");
    Path bigger = Checkpoint.file(folder.resolve("bigger.safetensors"), 1, 3, 32);
    assertThat(verify(output, bigger).differences().toString())
        .contains("l2.weight: the original's tensor is not there");
    Path smaller = Checkpoint.file(folder.resolve("smaller.safetensors"), 1, 1, 32);
    assertThat(verify(output, smaller).differences().toString())
        .contains("l1.weight: the original has no such tensor");
  }

  @Test
  void changesAreFoundAndNamed() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 1, 2, 32);
    Path output = folder.resolve("q");
    Quantizer.create().quantize(ModelInput.of(input), INT8, output, false);
    Path shard = output.resolve("model-00002-of-00002.safetensors");
    change(shard, -1);
    Verification result = verify(output, input);
    assertThat(result.differences().toString())
        .contains("tensor l1.weight", "its SHA-256 of pieces is");
    change(shard, -1);
    assertThat(verify(output, input).sound()).isTrue();
    Files.writeString(output.resolve("tokenizer.json"), "{}");
    assertThat(verify(output, input).differences().toString()).contains("tokenizer.json: its SHA");
  }

  @Test
  void whatCannotBeReadAnyMoreIsADifferenceToo() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    Path output = folder.resolve("q.safetensors");
    Quantizer.create().quantize(ModelInput.of(input), INT8, output, false);
    byte[] bytes = Files.readAllBytes(output);
    Files.write(output, java.util.Arrays.copyOf(bytes, bytes.length - 5));
    assertThatThrownBy(() -> verify(output, input))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("q.safetensors");
    assertThatThrownBy(() -> Quantizer.create().verify(input, Optional.empty()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("carries no manifest");
  }

  @Test
  void clampedNumbersAreMeasuredAsTheyWereQuantized() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    byte[] bytes = Files.readAllBytes(input);
    // The last number of the last weight: the bias of 32 floats follows it.
    int at = bytes.length - 4 * 32 - 1;
    bytes[at] = 0x7f;
    bytes[at - 1] = (byte) 0x80;
    bytes[at - 2] = 0;
    bytes[at - 3] = 0;
    Files.write(input, bytes);
    Path output = folder.resolve("q.safetensors");
    QuantizationConfig clamp =
        INT8.overrideWith(QuantizationConfig.builder().nonFinite(NonFinitePolicy.CLAMP).build());
    Report report = Quantizer.create().quantize(ModelInput.of(input), clamp, output, false);
    assertThat(report.problems().toString()).contains("0 NaN, 1 Inf of 1024, first at [31,31]");
    Verification result = verify(output, input);
    assertThat(result.differences()).isEmpty();
    assertThat(result.total()).isEqualTo(report.total());
  }

  @Test
  void aSavedModelNamesTheInputsThatWereReadNotThoseOfLater() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    byte[] before = Files.readAllBytes(input);
    Path file = folder.resolve("q.safetensors");
    Path directory = folder.resolve("q");
    try (QuantizedModel model = Quantizer.create().quantize(input, INT8)) {
      Checkpoint.file(input, 2, 2, 32);
      model.save(file);
      model.save(directory);
    }
    assertThat(verify(file, input).sound()).isFalse();
    Files.write(input, before);
    assertThat(verify(file, input).differences()).isEmpty();
    assertThat(verify(directory, input).differences()).isEmpty();
  }

  @Test
  void aDirectoryMadeOfAnOutputDoesNotCarryItsManifest() throws IOException {
    Path input = Checkpoint.directory(folder.resolve("in"), 1, 2, 32);
    Path output = folder.resolve("q");
    Path floats = folder.resolve("floats");
    Quantizer.create().quantize(ModelInput.of(input), INT8, output, false);
    Quantizer.create()
        .dequantize(ModelInput.of(output), floats, Optional.of("compressed-tensors"), false);
    assertThat(verify(floats, output).differences()).isEmpty();
  }
}
