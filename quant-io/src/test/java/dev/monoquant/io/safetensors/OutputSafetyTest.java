package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.testing.FaultDisk;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Whatever fails: the old output or the new one is there, never half of one, and nothing else. */
class OutputSafetyTest {

  private static final String OLD = "the old output, of any kind";

  @TempDir Path folder;
  private Path target;

  @BeforeEach
  void setUp() {
    target = folder.resolve("model.safetensors");
  }

  private static Sample sample() {
    return new Sample(11)
        .keep("a", ElementType.FLOAT32, 40)
        .keep("b", ElementType.INT8, 333)
        .keep("c", ElementType.FLOAT16, 0);
  }

  private static Request request(Sample sample, Path target, boolean overwrite) {
    return request(sample, target, overwrite, sample.source());
  }

  private static Request request(
      Sample sample, Path target, boolean overwrite, ModelSource source) {
    return new Request(
        source,
        sample.contents(Optional.empty()),
        new WriteOptions(target, overwrite, true, false));
  }

  private void assertRefused(Request request, String mention) throws IOException {
    Map<String, String> before = Folders.contents(folder);
    assertThatThrownBy(() -> request.open(new SafetensorsOutput()))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining(mention)
        .hasMessageContaining(request.target().toString());
    assertThat(Folders.contents(folder)).isEqualTo(before);
  }

  @Test
  void everyOperationMayFail() throws IOException {
    byte[] complete = complete();
    int failures = 0;
    for (int k = 0; ; k++) {
      Files.writeString(target, OLD);
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown =
          catchThrowable(
              () -> sample().write(new SafetensorsOutput(disk), request(sample(), target, true)));
      assertThat(Folders.names(folder)).containsExactly("model.safetensors");
      if (thrown == null) {
        assertThat(Files.readAllBytes(target)).isEqualTo(complete);
        break;
      }
      failures++;
      assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
      // Only the very last operation, the flush of the folder, comes after the rename.
      boolean renamed = thrown.getMessage().contains("sync");
      assertThat(Files.readAllBytes(target))
          .isEqualTo(renamed ? complete : OLD.getBytes(StandardCharsets.UTF_8));
    }
    assertThat(failures).isGreaterThan(20);
  }

  private byte[] complete() throws IOException {
    Path other = folder.resolve("other.safetensors");
    sample().write(new SafetensorsOutput(), request(sample(), other, false));
    byte[] bytes = Files.readAllBytes(other);
    Files.delete(other);
    return bytes;
  }

  @Test
  void aDiskMayBeFullAtAnyByte() throws IOException {
    for (int bytes = 0; bytes < 700; bytes += 7) {
      FaultDisk disk = new FaultDisk().full(bytes, 4_000_000);
      assertThatThrownBy(
              () -> sample().write(new SafetensorsOutput(disk), request(sample(), target, false)))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining(target.toString())
          .hasMessageContaining(
              "needs " + complete().length + " bytes, 4000000 bytes are available");
      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void aDiskKnownToBeFullIsRefusedBeforeAnythingIsWritten() {
    FaultDisk disk = new FaultDisk().full(0, 100);
    assertThatThrownBy(() -> request(sample(), target, false).open(new SafetensorsOutput(disk)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("100 bytes are available");
    assertThat(disk.operations()).isZero();
  }

  @Test
  void everyDamagedByteIsFound() throws IOException {
    int damaged = 0;
    for (int k = 0; k < 60; k++) {
      FaultDisk disk = new FaultDisk().damageAt(k);
      Throwable thrown =
          catchThrowable(
              () -> sample().write(new SafetensorsOutput(disk), request(sample(), target, true)));
      if (thrown != null) {
        damaged++;
        assertThat(thrown).isInstanceOf(ValidationException.class).hasMessageContaining("CRC32C");
        assertThat(folder).isEmptyDirectory();
      } else {
        Files.delete(target);
      }
    }
    assertThat(damaged).isGreaterThan(20);
  }

  @Test
  void everyByteMustBeWrittenOnce() throws IOException {
    TensorInfo a = new TensorInfo("a", ElementType.INT8, TensorShape.of(10));
    Sample sample = new Sample(1).keep(a);
    try (OutputWriter sink = request(sample, target, false).open(new SafetensorsOutput())) {
      sink.writeKept(a, 0, ByteBuffer.allocate(9));
      assertThatThrownBy(sink::commit).isInstanceOf(IllegalStateException.class);
    }
    try (OutputWriter sink = request(sample, target, false).open(new SafetensorsOutput())) {
      sink.writeKept(a, 0, ByteBuffer.allocate(10));
      sink.writeKept(a, 3, ByteBuffer.allocate(2));
      assertThatThrownBy(sink::commit).isInstanceOf(IllegalStateException.class);
    }
    assertThatThrownBy(
            () -> {
              try (OutputWriter sink =
                  request(sample, target, false).open(new SafetensorsOutput())) {
                sink.writeKept(a, 3, ByteBuffer.allocate(8));
              }
            })
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void closedWithoutCommitLeavesNothing() throws IOException {
    request(sample(), target, false).open(new SafetensorsOutput()).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anInterruptLeavesNothing() throws IOException {
    Sample sample = sample();
    TensorInfo first = sample.kept.keySet().iterator().next();
    try (OutputWriter sink = request(sample, target, false).open(new SafetensorsOutput())) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> sink.writeKept(first, 0, ByteBuffer.allocate(4)))
          .isInstanceOf(ClosedByInterruptException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anExistingTargetNeedsForce() throws IOException {
    Files.writeString(target, OLD);
    assertRefused(request(sample(), target, false), "--force");
    sample().write(new SafetensorsOutput(), request(sample(), target, true));
    assertThat(Files.size(target)).isGreaterThan(300);
  }

  @Test
  void anInputIsNeverWritten() throws IOException {
    Path input = folder.resolve("input.safetensors");
    Files.writeString(input, OLD);
    Path hard = Files.createLink(folder.resolve("hard.safetensors"), input);
    Path soft = Files.createSymbolicLink(folder.resolve("soft.safetensors"), input);
    ModelSource source = sample().model().files(List.of(input)).build().open();
    for (Path path : List.of(input, hard, soft, folder.resolve("x/../input.safetensors"))) {
      assertRefused(request(sample(), path, true, source), "is the input");
    }
  }

  @Test
  void aTargetInsideTheInputDirectoryIsRefused() throws IOException {
    Path shard = folder.resolve("in/model-1.safetensors");
    Files.createDirectories(shard.getParent().resolve("deep"));
    Files.writeString(shard, OLD);
    TensorInfo a = new TensorInfo("a", ElementType.INT8, TensorShape.of(1), "model-1.safetensors");
    Sample sample = new Sample(1).keep(a);
    ModelSource source = sample.model().files(List.of(shard)).build().open();
    assertRefused(
        request(sample, folder.resolve("in/deep/x.safetensors"), true, source), "input directory");
    sample.write(
        new SafetensorsOutput(), request(sample, folder.resolve("x.safetensors"), true, source));
  }

  @Test
  void oddTargetsAreRefused() throws IOException {
    assertRefused(request(sample(), folder.resolve("no/such/x.safetensors"), true), "mkdir -p");
    Files.createDirectory(folder.resolve("d.safetensors"));
    assertRefused(request(sample(), folder.resolve("d.safetensors"), true), "is a directory");
    Files.createSymbolicLink(folder.resolve("l.safetensors"), folder.resolve("gone"));
    assertRefused(request(sample(), folder.resolve("l.safetensors"), true), "is a link");
    assertRefused(request(sample(), folder.getRoot(), true), "root");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aDeviceIsRefused() throws IOException {
    assertRefused(request(sample(), Path.of("/dev/null"), true), "neither a file nor a directory");
  }

  @Test
  void aLinkStaysALink() throws IOException {
    Path real = folder.resolve("real.safetensors");
    Files.writeString(real, OLD);
    Files.createSymbolicLink(target, real);
    sample().write(new SafetensorsOutput(), request(sample(), target, true));
    assertThat(target).isSymbolicLink();
    assertThat(Files.size(real)).isGreaterThan(300);
    assertThat(Folders.names(folder)).containsExactly("model.safetensors", "real.safetensors");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theModeIsThatOfAnyNewFile() throws IOException {
    sample().write(new SafetensorsOutput(), request(sample(), target, false));
    Path other = Files.createFile(folder.resolve("other"));
    assertThat(Files.getPosixFilePermissions(target))
        .isEqualTo(Files.getPosixFilePermissions(other));
  }

  @Test
  void whatDeadRunsLeftIsRemovedAndNothingElse() throws IOException {
    Path dead = folder.resolve(".model.safetensors.quant-999999999999-0123456789abcdef.tmp");
    Path live =
        folder.resolve(
            ".model.safetensors.quant-"
                + ProcessHandle.current().parent().orElseThrow().pid()
                + "-0123456789abcdef.tmp");
    // In a container a killed run may have had the number that this one has.
    Path ours =
        folder.resolve(
            ".model.safetensors.quant-" + ProcessHandle.current().pid() + "-0123456789abcdef.tmp");
    Path other = folder.resolve(".other.safetensors.quant-999999999999-0123456789abcdef.tmp");
    Path similar = folder.resolve(".model.safetensors.quant-99999999.tmp");
    for (Path path : List.of(dead, live, ours, other, similar)) {
      Files.writeString(path, OLD);
    }
    sample().write(new SafetensorsOutput(), request(sample(), target, false));
    assertThat(Folders.names(folder))
        .containsExactlyInAnyOrder(
            live.getFileName().toString(),
            other.getFileName().toString(),
            similar.getFileName().toString(),
            "model.safetensors");
  }

  @Test
  void ofRunsSideBySideOneWinsAndTheOtherIsTold() throws IOException {
    Sample one = sample();
    Sample two = new Sample(12).keep("z", ElementType.INT8, 5000);
    SafetensorsOutput output = new SafetensorsOutput();
    try (OutputWriter first = request(one, target, true).open(output)) {
      assertThatThrownBy(() -> request(two, target, true).open(output))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining(target.toString())
          .hasMessageContaining("is writing it right now");
      two.write(output, request(two, folder.resolve("other.safetensors"), true));
      one.fill(first);
      first.commit();
    }
    assertThat(Folders.names(folder)).containsExactly("model.safetensors", "other.safetensors");
    try (ModelSource source =
        new SafetensorsFormat().open(ModelInput.of(target), ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors()).hasSize(3);
    }
  }

  /** A child process that dies in the middle, without any chance to clean up. */
  public static final class Dies {
    private Dies() {}

    public static void main(String[] args) throws IOException {
      OutputWriter sink = request(sample(), Path.of(args[0]), true).open(new SafetensorsOutput());
      sink.writeKept(sample().kept.keySet().iterator().next(), 0, ByteBuffer.allocate(40));
      Runtime.getRuntime().halt(17);
    }
  }

  @Test
  void aKilledRunLeavesTheOldOutputAndTheNextCleansUp() throws Exception {
    Files.writeString(target, OLD);
    Process child =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-cp",
                System.getProperty("java.class.path"),
                Dies.class.getName(),
                target.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(child.waitFor()).as(said).isEqualTo(17);
    assertThat(target).hasContent(OLD);
    assertThat(Folders.names(folder))
        .hasSize(3)
        .contains(".model.safetensors.quant-lock")
        .anyMatch(n -> n.matches("\\.model\\.safetensors\\.quant-\\d+-[0-9a-f]{16}\\.tmp"));
    sample().write(new SafetensorsOutput(), request(sample(), target, true));
    assertThat(Folders.names(folder)).containsExactly("model.safetensors");
  }
}
