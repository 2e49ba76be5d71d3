package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.OutputException;
import dev.monoquant.io.files.Disk;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.io.testing.FaultDisk;
import dev.monoquant.io.testing.Folders;
import dev.monoquant.io.testing.MemorySource;
import dev.monoquant.io.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
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
    return sample.quantize(weight).layer("l", LayerKind.LINEAR, weight.rows().tensor()).keep(kept);
  }

  private OutputRequest request(boolean overwrite) {
    Sample sample = sample();
    return new OutputRequest(
        target,
        overwrite,
        true,
        new MemorySource(
            sample.kept, Map.of(), List.of(), List.of(new SideFile("sub/tokenizer.json", side))),
        sample.layers,
        List.copyOf(sample.weights.keySet()),
        List.copyOf(sample.kept.keySet()),
        Map.of());
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

  @Test
  void anOldDirectoryThatWasMovedAwayIsPutBack() throws IOException {
    Path away = place.resolve(".model.quant-999999999999-0123456789abcdef.old");
    Path halfway = place.resolve(".model.quant-999999999999-0123456789abcdef.tmp");
    Map<String, String> old = old();
    Disk.REAL.rename(target, away);
    Files.createDirectory(halfway);
    Files.writeString(halfway.resolve("model.safetensors"), "new");
    assertThatThrownBy(() -> new CompressedTensorsOutput().open(request(false)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--force");
    assertThat(Folders.names(place)).containsExactly("model");
    assertThat(Folders.contents(target)).isEqualTo(old);
  }

  @Test
  void anExistingDirectoryNeedsForceAnEmptyOneDoesNot() throws IOException {
    Files.createDirectory(target);
    sample().write(new CompressedTensorsOutput(), request(false));
    assertThatThrownBy(() -> new CompressedTensorsOutput().open(request(false)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--force");
    sample().write(new CompressedTensorsOutput(), request(true));
    assertThat(Folders.names(place)).containsExactly("model");
  }

  @Test
  void aDirectoryWithoutAModelIsNotReplacedEvenByForce() throws IOException {
    Files.createDirectory(target);
    Files.writeString(target.resolve("thesis.txt"), "years of work");
    assertThatThrownBy(() -> new CompressedTensorsOutput().open(request(true)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("holds no model");
    assertThat(Folders.contents(target)).containsEntry("thesis.txt", "years of work");
  }

  @Test
  void aFileIsNotReplacedByADirectory() throws IOException {
    Files.writeString(target, "a file");
    assertThatThrownBy(() -> new CompressedTensorsOutput().open(request(true)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is a file");
  }

  @Test
  void inputAndOutputMayNotHoldEachOther() throws IOException {
    sample().write(new CompressedTensorsOutput(), request(false));
    try (TensorSource source =
        new ModelDirectoryFormat().open(ModelInput.of(target), ReadLimits.DEFAULT)) {
      for (Path out : List.of(target, target.resolve("q"), target.resolve("sub/q"), place)) {
        OutputRequest request =
            new OutputRequest(
                out, true, true, source, List.of(), List.of(), source.tensors(), Map.of());
        Map<String, String> before = Folders.contents(folder);
        assertThatThrownBy(() -> new CompressedTensorsOutput().open(request))
            .as(out.toString())
            .isInstanceOf(OutputException.class)
            .hasMessageContaining("input");
        assertThat(Folders.contents(folder)).isEqualTo(before);
      }
    }
  }
}
