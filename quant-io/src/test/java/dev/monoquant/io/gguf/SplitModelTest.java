package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.GgufText;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model in several GGUF files is read as a whole, or refused. */
class SplitModelTest {

  @TempDir Path folder;

  private Path part(int number, int of, GgufText text) throws IOException {
    Path path = folder.resolve(String.format("m-%05d-of-%05d.gguf", number, of));
    return Files.write(path, text.build());
  }

  private static GgufText text(int number, int tensors) {
    return new GgufText()
        .value("split.no", number)
        .value("split.count", 2)
        .value("split.tensors.count", tensors);
  }

  private static void open(Path path) throws IOException {
    new GgufFormat().open(ModelInput.of(path), ReadLimits.DEFAULT).close();
  }

  @Test
  void anyPartStandsForTheModel() throws IOException {
    Path first = part(1, 2, text(0, 2).tensor("a", 0, new byte[4], 1));
    Path second = part(2, 2, text(1, 2).tensor("b", 0, new byte[] {0, 0, 1, 63}, 1));
    for (Path given : new Path[] {first, second}) {
      try (ModelSource source = new GgufFormat().open(ModelInput.of(given), ReadLimits.DEFAULT)) {
        assertThat(source.info().tensors())
            .extracting(TensorInfo::name, TensorInfo::shard)
            .containsExactly(
                tuple("a", "m-00001-of-00002.gguf"), tuple("b", "m-00002-of-00002.gguf"));
        assertThat(source.read(source.info().tensors().get(1), 2, 1).get()).isEqualTo((byte) 1);
        assertThat(source.info().files()).containsExactly(first, second);
      }
    }
  }

  @Test
  void aMissingPartIsNamed() throws IOException {
    Path first = part(1, 2, text(0, 2).tensor("a", 0, new byte[4], 1));
    assertThatThrownBy(() -> open(first))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.SHARD_MISSING))
        .hasMessageContaining("m-00002-of-00002.gguf");
  }

  @Test
  void partsThatDoNotBelongTogetherAreRefused() throws IOException {
    Path first = part(1, 2, text(0, 3).tensor("a", 0, new byte[4], 1));
    part(2, 2, text(1, 3).tensor("b", 0, new byte[4], 1));
    assertThatThrownBy(() -> open(first)).hasMessageContaining("2 tensors, and 3 are declared");
    part(2, 2, text(1, 2).tensor("a", 0, new byte[4], 1));
    assertThatThrownBy(() -> open(first)).hasMessageContaining("is in another part too");
  }

  @Test
  void aNameWithoutItsNumberIsRefused() throws IOException {
    Path path =
        Files.write(folder.resolve("m.gguf"), text(0, 2).tensor("a", 0, new byte[4], 1).build());
    assertThatThrownBy(() -> open(path))
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.SHARD_MISMATCH))
        .hasMessageContaining("-00001-of-00002.gguf");
  }

  @Test
  void aVocabularyAloneIsNoModel() throws IOException {
    Path path = Files.write(folder.resolve("v.gguf"), new GgufText().value("a", 1).build());
    assertThatThrownBy(() -> open(path)).hasMessageContaining("no tensors");
  }
}
