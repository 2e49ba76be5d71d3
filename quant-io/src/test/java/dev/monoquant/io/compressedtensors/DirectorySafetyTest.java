package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.testing.FaultDisk;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputShare;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever fails: the old directory or the new one is there, complete, and nothing else. */
class DirectorySafetyTest {

  @TempDir Path folder;
  private Path place;
  private Path target;
  private Path side;

  @BeforeEach
  void setUp() throws IOException {
    place = Files.createDirectory(folder.resolve("place"));
    target = place.resolve("model");
    side = Files.writeString(folder.resolve("tokenizer.json"), "side file");
  }

  private static Sample sample() {
    Sample sample = new Sample(3);
    EncodedWeight weight =
        DirectoryRoundTripTest.weight(new Random(5), "l", "model-00001-of-00002.safetensors");
    TensorInfo kept =
        new TensorInfo(
            "k", ElementType.INT8, TensorShape.of(77), "model-00002-of-00002.safetensors");
    return sample
        .quantize(weight)
        .layer("l", LayerKind.LINEAR, weight.matrix().tensor())
        .keep(kept);
  }

  private Request request(boolean overwrite) {
    return request(overwrite, false, List.of());
  }

  private Request request(boolean overwrite, boolean resume, List<Path> files) {
    Sample sample = sample();
    return new Request(
        sample
            .model()
            .files(files)
            .sideFiles(List.of(new SideFile("sub/tokenizer.json", side)))
            .build()
            .open(),
        sample.contents(Optional.empty()),
        new WriteOptions(target, overwrite, true, resume));
  }

  private Map<String, String> old() throws IOException {
    if (Files.exists(target)) {
      Folders.delete(target);
    }
    Files.createDirectories(target.resolve("sub"));
    Files.writeString(target.resolve("model.safetensors"), "old model");
    Files.writeString(target.resolve("sub/extra.txt"), "old side file");
    return Folders.contents(target);
  }

  private Request share(OutputShare share) {
    Sample sample = sample();
    return new Request(
        sample.source(),
        sample.contents(Optional.of(Provenance.of("test", "1"))),
        new WriteOptions(target, true, true, false, Optional.of(share)));
  }

  /** The previous directory is beside the target, not in the folder that users may remove. */
  @Test
  void aJoinThatDiesBetweenItsRenamesKeepsThePreviousDirectory() throws IOException {
    String plan = "0123456789abcdef";
    Map<String, String> old = old();
    try (OutputWriter writer =
        share(new OutputShare.Begin(plan, 1)).open(new CompressedTensorsOutput())) {
      writer.commit();
    }
    sample()
        .write(
            new CompressedTensorsOutput(),
            share(new OutputShare.Unit(plan, 1, 0, new TreeMap<>())));
    Disk dying =
        new Disk() {
          private boolean moved;

          @Override
          public void rename(Path from, Path to) throws IOException {
            if (moved) {
              throw new IOException("injected: rename");
            }
            moved = from.equals(target.toRealPath());
            Disk.super.rename(from, to);
          }
        };
    assertThatThrownBy(
            () -> {
              try (OutputWriter writer =
                  share(new OutputShare.Join(plan, 1)).open(new CompressedTensorsOutput(dying))) {
                writer.commit();
              }
            })
        .hasMessageContaining("injected");
    assertThat(target).doesNotExist();
    Folders.delete(place.resolve(".model.quant-parts-" + plan));
    assertThatThrownBy(() -> sample().write(new CompressedTensorsOutput(), request(false)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("exists");
    assertThat(Folders.contents(target)).isEqualTo(old);
    assertThat(Folders.names(place)).containsExactly("model");
  }

  @Test
  void everyOperationMayFail() throws IOException {
    sample().write(new CompressedTensorsOutput(), request(false));
    Map<String, String> complete = Folders.contents(target);
    assertThat(complete).hasSize(6);
    int failures = 0;
    for (int k = 0; ; k++) {
      Map<String, String> old = old();
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown =
          catchThrowable(() -> sample().write(new CompressedTensorsOutput(disk), request(true)));
      assertThat(Folders.names(place).get(Folders.names(place).size() - 1)).isEqualTo("model");
      if (thrown == null) {
        assertThat(Folders.contents(target)).isEqualTo(complete);
        assertThat(Folders.names(place)).containsExactly("model");
        break;
      }
      failures++;
      assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
      Map<String, String> now = Folders.contents(target);
      assertThat(now.equals(old) || now.equals(complete)).as("operation " + k).isTrue();
      if (now.equals(old)) {
        assertThat(Folders.names(place)).containsExactly("model");
      } else {
        // The flush of the folder failed, after both renames: the old one may still be beside it.
        assertThat(thrown).hasMessageContaining("sync");
        for (String name : Folders.names(place)) {
          if (!name.equals("model")) {
            Folders.delete(place.resolve(name));
          }
        }
      }
    }
    assertThat(failures).isGreaterThan(30);
  }

  /** Leaves what a run does that is killed after one of its two shards. */
  private void interrupt() throws Exception {
    TensorInfo kept = sample().kept.keySet().iterator().next();
    Path left = place.resolve(".model.quant-999999999999-0123456789abcdef.tmp");
    try (OutputWriter sink =
        request(true, false, List.of(side)).open(new CompressedTensorsOutput())) {
      sink.writeKept(kept, 0, ByteBuffer.wrap(sample().kept.get(kept)));
      Path making = null;
      while (making == null || Files.readAllLines(making.resolve(".quant-journal")).size() < 2) {
        for (String name : Folders.names(place)) {
          making = name.endsWith(".tmp") ? place.resolve(name) : making;
        }
        Thread.sleep(5);
      }
      Files.createDirectory(left);
      for (String name : Folders.names(making)) {
        Files.copy(making.resolve(name), left.resolve(name));
      }
    }
  }

  /** Writes what the sink does not have already. */
  private static void goOn(CompressedTensorsOutput output, Request request) throws IOException {
    try (OutputWriter sink = request.open(output)) {
      Sample rest = sample();
      rest.kept.keySet().removeIf(t -> sink.finished(t.name()).isPresent());
      rest.weights.keySet().removeIf(w -> sink.finished(w.name()).isPresent());
      rest.fill(sink);
      sink.commit();
    }
  }

  @Test
  @Timeout(120)
  void everyOperationOfAResumedRunMayFail() throws Exception {
    sample().write(new CompressedTensorsOutput(), request(false, false, List.of(side)));
    Map<String, String> complete = Folders.contents(target);
    int failures = 0;
    for (int k = 0; ; k++) {
      Map<String, String> old = old();
      interrupt();
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown =
          catchThrowable(
              () -> goOn(new CompressedTensorsOutput(disk), request(true, true, List.of(side))));
      Map<String, String> now = Folders.contents(target);
      if (thrown == null) {
        assertThat(now).isEqualTo(complete);
        assertThat(Folders.names(place)).containsExactly("model");
        break;
      }
      failures++;
      assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
      assertThat(now.equals(old) || now.equals(complete)).as("operation " + k).isTrue();
      goOn(new CompressedTensorsOutput(), request(true, true, List.of(side)));
      assertThat(Folders.contents(target)).isEqualTo(complete);
      for (String name : Folders.names(place)) {
        if (!name.equals("model")) {
          // Moved away before the flush of the folder failed; this process still lives.
          assertThat(thrown).hasMessageContaining("sync");
          Folders.delete(place.resolve(name));
        }
      }
    }
    assertThat(failures).isGreaterThan(15);
  }

  @Test
  void aLiveModelCannotBeResumed() {
    assertThatThrownBy(() -> request(true, true, List.of()).open(new CompressedTensorsOutput()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("a live model has no files");
  }

  @Test
  void anOldDirectoryThatWasMovedAwayIsPutBack() throws IOException {
    Path away = place.resolve(".model.quant-999999999999-0123456789abcdef.old");
    Path halfway = place.resolve(".model.quant-999999999999-0123456789abcdef.tmp");
    Map<String, String> old = old();
    Disk.REAL.rename(target, away);
    Files.createDirectory(halfway);
    Files.writeString(halfway.resolve("model.safetensors"), "new");
    assertThatThrownBy(() -> request(false).open(new CompressedTensorsOutput()))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--force");
    assertThat(Folders.names(place)).containsExactly("model");
    assertThat(Folders.contents(target)).isEqualTo(old);
  }

  @Test
  void anExistingDirectoryNeedsForceAnEmptyOneDoesNot() throws IOException {
    Files.createDirectory(target);
    sample().write(new CompressedTensorsOutput(), request(false));
    assertThatThrownBy(() -> request(false).open(new CompressedTensorsOutput()))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--force");
    sample().write(new CompressedTensorsOutput(), request(true));
    assertThat(Folders.names(place)).containsExactly("model");
  }

  @Test
  void aDirectoryWithoutAModelIsNotReplacedEvenByForce() throws IOException {
    Files.createDirectory(target);
    Files.writeString(target.resolve("thesis.txt"), "years of work");
    assertThatThrownBy(() -> request(true).open(new CompressedTensorsOutput()))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("holds no model");
    assertThat(Folders.contents(target)).containsEntry("thesis.txt", "years of work");
  }

  @Test
  void aFileIsNotReplacedByADirectory() throws IOException {
    Files.writeString(target, "a file");
    assertThatThrownBy(() -> request(true).open(new CompressedTensorsOutput()))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is a file");
  }

  @Test
  void inputAndOutputMayNotHoldEachOther() throws IOException {
    sample().write(new CompressedTensorsOutput(), request(false));
    try (ModelSource source =
        new ModelDirectoryFormat().open(ModelInput.of(target), ReadLimits.DEFAULT)) {
      for (Path out : List.of(target, target.resolve("q"), target.resolve("sub/q"), place)) {
        Request request =
            new Request(
                source,
                new OutputContents(List.of(), List.of(), source.info().tensors(), Optional.empty()),
                new WriteOptions(out, true, true, false));
        Map<String, String> before = Folders.contents(folder);
        assertThatThrownBy(() -> request.open(new CompressedTensorsOutput()))
            .as(out.toString())
            .isInstanceOf(OutputException.class)
            .hasMessageContaining("input");
        assertThat(Folders.contents(folder)).isEqualTo(before);
      }
    }
  }
}
