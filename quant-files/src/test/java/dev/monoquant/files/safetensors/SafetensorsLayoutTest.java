package dev.monoquant.files.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file is accepted only with the header of its layout, to the byte. */
class SafetensorsLayoutTest {

  @TempDir Path dir;

  private final SafetensorsLayout layout =
      new SafetensorsLayout(
          List.of(
              new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(2, 3), ""),
              new TensorInfo("fc.bias", ElementType.INT8, TensorShape.of(0), ""),
              new TensorInfo("caf\u00e9", ElementType.INT8, TensorShape.of(5), "")),
          Map.of("long", "\u20ac\"\n".repeat(30_000), "format", "pt"));

  private Path written(byte[] header, long size) throws IOException {
    Path file = dir.resolve("m.safetensors");
    Files.write(file, Arrays.copyOf(header, (int) size));
    return file;
  }

  @Test
  void theHeaderAsWrittenIsAcceptedAndRead() throws IOException {
    Path file = written(layout.headerBytes(), layout.fileBytes());
    assertThatCode(() -> layout.check(file)).doesNotThrowAnyException();
    try (SafetensorsFile open = SafetensorsFile.open(file, "m", ReadLimits.DEFAULT)) {
      assertThat(open.tensors()).hasSameElementsAs(layout.tensors());
      assertThat(open.metadata()).containsEntry("long", "\u20ac\"\n".repeat(30_000));
      assertThat(open.metadata()).containsEntry("format", "pt").hasSize(2);
    }
  }

  @Test
  void anyOtherByteIsRefused() throws IOException {
    byte[] header = layout.headerBytes();
    for (int i = 0; i < header.length; i += i < 300 || i > header.length - 300 ? 1 : 9_973) {
      header[i] ^= 1;
      Path file = written(header, layout.fileBytes());
      assertThatThrownBy(() -> layout.check(file))
          .isInstanceOf(ValidationException.class)
          .hasMessageEndingWith("the header read back is not the header that was written.");
      header[i] ^= 1;
    }
  }

  @Test
  void aFileOfAnotherSizeIsRefused() throws IOException {
    for (long size : new long[] {0, 7, layout.fileBytes() - 1, layout.fileBytes() + 1}) {
      Path file = written(layout.headerBytes(), size);
      assertThatThrownBy(() -> layout.check(file)).isInstanceOf(ValidationException.class);
    }
  }
}
