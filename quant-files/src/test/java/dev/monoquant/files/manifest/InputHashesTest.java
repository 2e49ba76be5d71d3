package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An input that is another file at the end is refused. */
class InputHashesTest {

  @TempDir private Path folder;

  @Test
  void aFileReplacedByOneOfItsSizeAndTimeIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("in.safetensors"), "before");
    assumeThat(Files.readAttributes(file, BasicFileAttributes.class).fileKey()).isNotNull();
    requireRefused(
        file,
        () -> {
          Path other = Files.writeString(folder.resolve("other"), "after!");
          Files.setLastModifiedTime(other, Files.getLastModifiedTime(file));
          Files.move(other, file, StandardCopyOption.ATOMIC_MOVE);
        });
  }

  @Test
  void aFileThatIsGoneIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("in.safetensors"), "before");
    requireRefused(file, () -> Files.delete(file));
  }

  private static void requireRefused(Path file, ThrowingCallable change) throws IOException {
    OutputContents contents = new OutputContents(List.of(), List.of(), List.of(), Optional.empty());
    ModelSource source = MemoryModel.named("m").files(List.of(file)).build().open();
    try (HashPool pool = new HashPool()) {
      InputHashes inputs = new InputHashes(contents, source, pool);
      assertThatCode(change).doesNotThrowAnyException();
      assertThatThrownBy(inputs::await)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("in.safetensors")
          .hasMessageContaining("changed while it was read");
    }
  }
}
