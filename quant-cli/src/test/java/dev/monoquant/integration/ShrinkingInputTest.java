package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An input that another program cuts short while it is read. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere a mapped file cannot be cut short")
class ShrinkingInputTest {

  @TempDir private Path folder;

  @Test
  void isAnErrorThatNamesIt() throws IOException {
    Path model = folder.resolve("model.safetensors");
    String header =
        "{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[4096,2048],\"data_offsets\":[0,33554432]}}";
    try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(header.length()));
      file.write(header.getBytes(StandardCharsets.US_ASCII));
      file.setLength(8 + header.length() + 33_554_432L);
    }
    Path out = folder.resolve("out.safetensors");
    Quantizer quantizer =
        Quantizer.create()
            .withThreads(1)
            .withProgress(
                (stage, done, total, item) -> {
                  if (done > 0) {
                    cut(model);
                  }
                });

    assertThatThrownBy(
            () -> quantizer.quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(model.toString())
        .hasMessageContaining("was made shorter by another program while it was read");
    assertThat(out).doesNotExist();
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(model);
    }
  }

  /** What is left unquantized is written as it is mapped. */
  @Test
  void soIsAnInputThatIsCopied() throws IOException {
    Path model = folder.resolve("model.safetensors");
    String header =
        "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[64,64],\"data_offsets\":[0,16384]},"
            + "\"table\":{\"dtype\":\"I64\",\"shape\":[4194304],\"data_offsets\":[16384,33570816]}}";
    try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(header.length()));
      file.write(header.getBytes(StandardCharsets.US_ASCII));
      file.setLength(8 + header.length() + 33_570_816L);
    }
    Path out = folder.resolve("out.safetensors");
    Quantizer quantizer =
        Quantizer.create().withThreads(1).withProgress((stage, done, total, item) -> cut(model));
    assertThatThrownBy(
            () -> quantizer.quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(model.toString());
    assertThat(out).doesNotExist();
  }

  /** What cannot be read is the input, whatever was written until then. */
  @Test
  void soIsASideFileThatCannotBeRead() throws IOException {
    Path model = Checkpoint.directory(folder.resolve("in"), 1, 2, 32);
    Path side = model.resolve("tokenizer.json");
    Path out = folder.resolve("out");
    Quantizer quantizer =
        Quantizer.create().withThreads(1).withProgress((stage, done, total, item) -> delete(side));
    assertThatThrownBy(
            () -> quantizer.quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(side + ": it could not be read");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(model);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An archive, stored and compressed: both are mapped. */
  @ParameterizedTest
  @ValueSource(ints = {ZipEntry.STORED, ZipEntry.DEFLATED})
  void soIsAnArchive(int method) throws IOException {
    Path model = folder.resolve("model.pt");
    try (ZipFile from = new ZipFile(Digits.CNN.script("traced").toFile());
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(model))) {
      for (ZipEntry entry : Collections.list(from.entries())) {
        byte[] content = from.getInputStream(entry).readAllBytes();
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setMethod(method);
        copy.setSize(content.length);
        copy.setCrc(entry.getCrc());
        to.putNextEntry(copy);
        to.write(content);
      }
    }
    Path out = folder.resolve("out.safetensors");
    Quantizer quantizer =
        Quantizer.create().withThreads(1).withProgress((stage, done, total, item) -> cut(model));
    assertThatThrownBy(
            () -> quantizer.quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(model.toString());
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(model);
    }
  }

  private static void cut(Path model) {
    try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
      file.setLength(4096);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
