package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Archives that were zipped again with compression, which PyTorch reads. */
class DeflatedArchiveTest {

  @TempDir private Path folder;

  /** The same records, all compressed. */
  private Path deflated(Path archive) throws IOException {
    Path file = folder.resolve("deflated-" + archive.getFileName());
    try (ZipFile zip = new ZipFile(archive.toFile());
        ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        out.putNextEntry(new ZipEntry(entry.getName()));
        try (InputStream in = zip.getInputStream(entry)) {
          in.transferTo(out);
        }
        out.closeEntry();
      }
    }
    return file;
  }

  private static List<Integer> methods(Path archive) throws IOException {
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      return Collections.list(zip.entries()).stream()
          .filter(e -> e.getName().contains("/data/"))
          .map(ZipEntry::getMethod)
          .distinct()
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"CNN, traced", "TRANSFORMER, scripted"})
  void aProgramIsReadRunAndVerified(Digits digits, String kind) throws IOException {
    Path original = digits.script(kind);
    ModelInput input = ModelInput.of(deflated(original));
    Quantizer quantizer = Quantizer.create();
    assertThat(quantizer.compare(ModelInput.of(original), input).identical()).isTrue();
    assertThat(quantizer.inspect(input).toTable()).contains("weight");
    Path made = folder.resolve("made.pt");
    Report report = quantizer.quantize(input, QuantizationConfig.DEFAULT, made, false);
    assertThat(report.run().orElseThrow().others().get(0).outputs().cosine()).isGreaterThan(0.99);
    assertThat(methods(made)).containsExactly(ZipEntry.STORED);
    assertThat(quantizer.verify(made, Optional.of(input)).differences()).isEmpty();
    Path stored = folder.resolve("stored.pt");
    Report plain =
        quantizer.quantize(ModelInput.of(original), QuantizationConfig.DEFAULT, stored, false);
    assertThat(report.total()).isEqualTo(plain.total());
    assertThat(quantizer.compare(ModelInput.of(stored), ModelInput.of(made)).identical()).isTrue();
  }

  @Test
  void itsWeightsAreDecodedAndWrittenElsewhere() throws IOException {
    Path original = Digits.CNN.script("traced");
    ModelInput input = ModelInput.of(deflated(original));
    Quantizer quantizer = Quantizer.create();
    Path made = folder.resolve("made.safetensors");
    quantizer.quantize(input, QuantizationConfig.DEFAULT, made, false);
    assertThat(quantizer.verify(made, Optional.of(input)).differences()).isEmpty();
    // A quantized archive that is zipped again is read for its numbers; it is not as written.
    Path quantized = folder.resolve("quantized.pt");
    quantizer.quantize(ModelInput.of(original), QuantizationConfig.DEFAULT, quantized, false);
    Path again = deflated(quantized);
    for (Path one : List.of(quantized, again)) {
      Path floats = folder.resolve(one.getFileName() + ".safetensors");
      quantizer.dequantize(ModelInput.of(one), floats, Optional.empty(), false);
    }
    ModelInput decoded = ModelInput.of(folder.resolve("quantized.pt.safetensors"));
    ModelInput other = ModelInput.of(folder.resolve("deflated-quantized.pt.safetensors"));
    assertThat(quantizer.compare(decoded, other).identical()).isTrue();
    assertThat(quantizer.verify(again, Optional.empty()).sound()).isFalse();
  }
}
