package dev.monoquant.io.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which checkpoint of a directory is the model, and whether its shards are all there. */
class CheckpointDirectoryTest {

  private static final String ONE = "pytorch_model-00001-of-00002.bin";
  private static final String TWO = "pytorch_model-00002-of-00002.bin";
  private static final String INDEX = "pytorch_model.bin.index.json";

  @TempDir Path folder;

  private void shard(String file, String... names) throws IOException {
    PickleText out = new PickleText().op('}').op('(');
    for (String name : names) {
      out.text(name).tensor("Float", "0", 1, 0, new long[] {1}, new long[] {1});
    }
    Files.write(folder.resolve(file), ZipText.checkpoint(out.op('u').stop(), new byte[4]).build());
  }

  private void index(String map) throws IOException {
    Files.writeString(folder.resolve(INDEX), "{\"weight_map\": {" + map + "}}");
  }

  private ModelSource open() throws IOException {
    return open(folder);
  }

  private static ModelSource open(Path path) throws IOException {
    return Surest.of(path).open(ModelInput.of(path), ReadLimits.DEFAULT);
  }

  private void requireRefusal(Reason reason, String... mentions) {
    assertThatThrownBy(() -> open().close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContainingAll(mentions);
  }

  @Test
  void shardsAreOneModelWithWhatLiesBesideThem() throws IOException {
    shard(ONE, "module.a");
    shard(TWO, "module.b", "module.c");
    index(
        "\"module.a\": \""
            + ONE
            + "\", \"module.b\": \""
            + TWO
            + "\", \"module.c\": \""
            + TWO
            + "\"");
    Files.writeString(folder.resolve("config.json"), "{}");
    for (Path path : new Path[] {folder, folder.resolve(INDEX)}) {
      try (ModelSource source = open(path)) {
        assertThat(source.info().tensors())
            .extracting(t -> t.name() + " " + t.shard())
            .containsExactly("module.a " + ONE, "module.b " + TWO, "module.c " + TWO);
        assertThat(source.info().sideFiles())
            .extracting(SideFile::name)
            .containsExactly("config.json");
        assertThat(source.info().files()).hasSize(4);
        // Storages of both shards have the same name.
        assertThat(source.info().ties()).containsExactly(Map.entry("module.c", "module.b"));
        assertThat(source.info().notes())
            .contains("One tensor under several names: \"module.b\", \"module.c\".");
      }
    }
    ModelInput stripped = ModelInput.of(folder, ReadChoices.DEFAULT.withStripPrefixes(true));
    try (ModelSource source = new TorchCheckpointFormat().open(stripped, ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors()).extracting("name").containsExactly("a", "b", "c");
    }
  }

  @Test
  void aSingleFileHasSideFilesToo() throws IOException {
    shard("pytorch_model.bin", "a");
    Files.writeString(folder.resolve("config.json"), "{}");
    try (ModelSource source = open()) {
      assertThat(source.info().tensors()).extracting("name").containsExactly("a");
      assertThat(source.info().sideFiles()).hasSize(1);
    }
  }

  @Test
  void indexAndShardsMustAgree() throws IOException {
    shard(ONE, "a");
    shard(TWO, "b", "extra");
    index("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\"");
    requireRefusal(Reason.SHARD_MISMATCH, "\"extra\"", "the index does not name it");
    index("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\", \"extra\": \"" + ONE + "\"");
    requireRefusal(Reason.SHARD_MISMATCH, "\"extra\"", "but it is in");
    shard(TWO, "b", "a");
    index("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\"");
    requireRefusal(Reason.DUPLICATE_KEY, "\"a\"", "is in both");
    Files.delete(folder.resolve(TWO));
    requireRefusal(Reason.SHARD_MISSING, TWO);
  }

  @Test
  void shardNamesStayInTheDirectory() throws IOException {
    shard(ONE, "a");
    for (String name : new String[] {"../x.bin", "/x.bin", "C:x.bin", "a\\\\x.bin", "x.pt", ""}) {
      index("\"a\": \"" + name + "\"");
      requireRefusal(Reason.SHARD_PATH, ".bin");
    }
  }

  @Test
  void whichOneIsTheModelMustBeBeyondDoubt() throws IOException {
    shard(ONE, "a");
    requireRefusal(Reason.INDEX_MISSING, INDEX);
    shard("pytorch_model.bin", "a");
    index("\"a\": \"" + ONE + "\"");
    requireRefusal(Reason.AMBIGUOUS_ROOT, INDEX, "pytorch_model.bin");
  }

  @Test
  void aBrokenShardIsNamedWithItsIndex() throws IOException {
    Files.writeString(folder.resolve(ONE), "version https://git-lfs.github.com/spec/v1\n");
    index("\"a\": \"" + ONE + "\"");
    requireRefusal(Reason.NOT_THIS_FORMAT, ONE, "shard of", INDEX, "Git LFS");
  }

  /** Safetensors beside a checkpoint are the same model in a better form. */
  @Test
  void safetensorsComeFirst() throws IOException {
    shard("pytorch_model.bin", "a");
    Files.write(folder.resolve("model.safetensors"), new byte[8]);
    assertThat(new TorchCheckpointFormat().probe(ModelInput.of(folder))).isEqualTo(Match.NONE);
  }
}
