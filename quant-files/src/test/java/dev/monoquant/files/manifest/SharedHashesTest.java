package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The outputs of one run hash an input file once, and again if it changed between them. */
class SharedHashesTest {

  @TempDir private Path folder;

  private static ModelSource source(Path file, SharedHashes shared) {
    return new ForwardingSource(MemoryModel.named("m").files(List.of(file)).build().open()) {
      @Override
      public <C> Optional<C> find(Class<C> capability) {
        return capability == SharedHashes.class
            ? Optional.of(capability.cast(shared))
            : super.find(capability);
      }
    };
  }

  @Test
  void aFileIsHashedOncePerVersion() throws IOException {
    Path file = Files.writeString(folder.resolve("in.safetensors"), "before");
    try (SharedHashes shared = new SharedHashes()) {
      assertThat(shared.hash(HashKind.PIECES, file, 6, 1))
          .isSameAs(shared.hash(HashKind.PIECES, file, 6, 1));
      assertThat(shared.hash(HashKind.PIECES, file, 6, 1))
          .isNotSameAs(shared.hash(HashKind.PIECES, file, 6, 2))
          .isNotSameAs(shared.hash(HashKind.SHA256, file, 6, 1));
    }
  }

  @Test
  void inputHashesTakeThem() throws IOException {
    Path file = Files.writeString(folder.resolve("in.safetensors"), "before");
    OutputContents contents = new OutputContents(List.of(), List.of(), List.of(), Optional.empty());
    HashPool closed = new HashPool();
    closed.close();
    try (SharedHashes shared = new SharedHashes();
        HashPool own = new HashPool()) {
      // A pool that is closed takes no work: the hash can only come from the shared ones.
      InputHashes inputs = new InputHashes(contents, source(file, shared), closed);
      ModelSource alone = MemoryModel.named("m").files(List.of(file)).build().open();
      assertThat(inputs.await()).isEqualTo(new InputHashes(contents, alone, own).await());
    }
  }
}
