package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.testkit.fakes.ForwardingSource;
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

  private static final OutputContents NOTHING =
      new OutputContents(List.of(), List.of(), List.of(), Optional.empty());

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

  /** Planning may take long, and what is mapped is the earlier file. */
  @Test
  void aFileReplacedBetweenOpeningAndHashingIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("in.safetensors"), "before");
    MemoryModel model = MemoryModel.named("m").files(List.of(file)).build();
    OpenedFiles opened = OpenedFiles.of(model.open());
    Path other = Files.writeString(folder.resolve("other"), "later, and longer");
    Files.move(other, file, StandardCopyOption.ATOMIC_MOVE);
    ModelSource source =
        new ForwardingSource(model.open()) {
          @Override
          public <C> Optional<C> find(Class<C> capability) {
            return capability == OpenedFiles.class
                ? Optional.of(capability.cast(opened))
                : super.find(capability);
          }
        };
    try (HashPool pool = new HashPool()) {
      InputHashes inputs = new InputHashes(NOTHING, source, pool);
      assertThatThrownBy(inputs::await)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("changed while it was read");
    }
  }

  private static void requireRefused(Path file, ThrowingCallable change) throws IOException {
    ModelSource source = MemoryModel.named("m").files(List.of(file)).build().open();
    try (HashPool pool = new HashPool()) {
      InputHashes inputs = new InputHashes(NOTHING, source, pool);
      assertThatCode(change).doesNotThrowAnyException();
      assertThatThrownBy(inputs::await)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("in.safetensors")
          .hasMessageContaining("changed while it was read");
    }
  }
}
