package dev.monoquant.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorFileTest {

  private static final TensorInfo TENSOR =
      new TensorInfo("w", ElementType.INT8, TensorShape.of(2, 3));

  @TempDir Path folder;

  private Path file(int bytes) throws IOException {
    byte[] data = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      data[i] = (byte) i;
    }
    return Files.write(folder.resolve("f"), data);
  }

  @Test
  void readsWhatIsAskedFor() throws IOException {
    Path path = file(9);
    ModelSource source = ModelSource.ofFile(path, Map.of(TENSOR, 3L));
    assertThat(source.info().name()).isEqualTo(path.toString());
    assertThat(source.info().files()).containsExactly(path);
    assertThat(source.info().tensors()).containsExactly(TENSOR);
    ByteBuffer read = source.read(TENSOR, 1, 4);
    assertThat(read.isReadOnly()).isTrue();
    assertThat(read.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    byte[] bytes = new byte[read.remaining()];
    read.get(bytes);
    assertThat(bytes).containsExactly(4, 5, 6, 7);
    for (long[] wrong : new long[][] {{-1, 2}, {1, -1}, {3, 4}, {7, 0}, {Long.MAX_VALUE, 1}}) {
      assertThatThrownBy(() -> source.read(TENSOR, wrong[0], (int) wrong[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
    source.close();
    source.close();
    assertThatThrownBy(() -> source.read(TENSOR, 0, 1)).isInstanceOf(IOException.class);
  }

  @Test
  void tensorsBeyondTheFileAreRefused() throws IOException {
    for (long start : new long[] {-1, 4, Long.MAX_VALUE}) {
      Path path = file(9);
      assertThatThrownBy(() -> ModelSource.ofFile(path, Map.of(TENSOR, start)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("\"w\"")
          .hasMessageContaining("the 9 bytes");
    }
  }

  @Test
  void aFileThatBecomesShorterIsNoticed() throws IOException {
    Path path = file(9);
    try (ModelSource source = ModelSource.ofFile(path, Map.of(TENSOR, 3L))) {
      file(5);
      assertThatThrownBy(() -> source.read(TENSOR, 0, 6)).hasMessageContaining("shorter");
    }
  }
}
