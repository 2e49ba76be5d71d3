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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

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

  private static void cut(Path model) {
    try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
      file.setLength(4096);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
