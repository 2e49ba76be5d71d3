package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.testing.FaultDisk;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.OutputShare;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Units of an output that fail, run twice, come late or are damaged: nothing wrong gets a name. */
class SharedOutputTest {

  private static final String PLAN = "0123456789abcdef";
  private static final int UNITS = 3;

  @TempDir private Path folder;
  private Path target = Path.of("");
  private byte[] complete = {};

  @BeforeEach
  void setUp() throws IOException {
    target = folder.resolve("model.safetensors");
    Path whole = folder.resolve("whole.safetensors");
    sample().write(new SafetensorsOutput(), request(whole, Optional.empty()));
    complete = Files.readAllBytes(whole);
    Files.delete(whole);
  }

  private static Sample sample() {
    return new Sample(11)
        .keep("a", ElementType.FLOAT32, 4000)
        .keep("b", ElementType.INT8, 333)
        .keep("c", ElementType.FLOAT16, 0)
        .keep("d", ElementType.FLOAT16, 70)
        .keep("e", ElementType.INT8, 12);
  }

  private static Request request(Path target, Optional<OutputShare> share) {
    Sample sample = sample();
    return new Request(
        sample.source(),
        sample.contents(Optional.of(Provenance.of("test", "1"))),
        new WriteOptions(target, false, true, false, share));
  }

  private Request request(OutputShare share) {
    return request(target, Optional.of(share));
  }

  private void begin() throws IOException {
    try (OutputWriter writer =
        request(new OutputShare.Begin(PLAN, UNITS)).open(new SafetensorsOutput())) {
      assertThat(writer.commit()).isEmpty();
    }
  }

  /** Writes the tensors whose place modulo the number of units is that of the unit. */
  private boolean unit(int unit, Disk disk) throws IOException {
    Map<TensorInfo, byte[]> kept = sample().kept;
    try (OutputWriter writer =
        request(new OutputShare.Unit(PLAN, UNITS, unit, new TreeMap<>()))
            .open(new SafetensorsOutput(disk))) {
      List<TensorInfo> own = new ArrayList<>();
      int at = 0;
      for (TensorInfo tensor : kept.keySet()) {
        if (at++ % UNITS == unit) {
          own.add(tensor);
        }
      }
      if (writer.finished(own.get(0).name()).isPresent()) {
        return false;
      }
      for (TensorInfo tensor : own) {
        ByteBuffer bytes = ByteBuffer.wrap(kept.get(tensor));
        int half = bytes.remaining() / 2;
        writer.writeKept(tensor, half, bytes.duplicate().position(half));
        writer.writeKept(tensor, 0, bytes.duplicate().limit(half));
      }
      assertThat(writer.commit()).isEmpty();
      return true;
    }
  }

  private void units() throws IOException {
    for (int unit = 0; unit < UNITS; unit++) {
      unit(unit, Disk.REAL);
    }
  }

  private List<Path> join(Disk disk) throws IOException {
    try (OutputWriter writer =
        request(new OutputShare.Join(PLAN, UNITS)).open(new SafetensorsOutput(disk))) {
      return writer.commit();
    }
  }

  private void assertJoins() throws IOException {
    assertThat(join(Disk.REAL)).containsExactly(target);
    assertThat(Files.readAllBytes(target)).isEqualTo(complete);
    assertThat(Folders.names(folder)).containsExactly("model.safetensors");
  }

  private Path parts() {
    return folder.resolve(".model.safetensors.quant-parts-" + PLAN);
  }

  @Test
  void unitsInAnyOrderGiveTheBytesOfOneRun() throws IOException {
    begin();
    begin();
    for (int unit : List.of(2, 0, 1)) {
      assertThat(unit(unit, Disk.REAL)).isTrue();
      assertThat(unit(unit, Disk.REAL)).as("complete before").isFalse();
      assertThat(target).doesNotExist();
    }
    assertJoins();
  }

  @Test
  void everyOperationOfAUnitMayFail() throws IOException {
    int failures = 0;
    for (int k = 0; ; k++) {
      begin();
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown = catchThrowable(() -> unit(0, disk));
      if (thrown != null) {
        failures++;
        assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
      }
      units();
      assertJoins();
      Files.delete(target);
      if (thrown == null && disk.operations() <= k) {
        break;
      }
    }
    assertThat(failures).isGreaterThan(8);
  }

  @Test
  void everyOperationOfTheJoinMayFail() throws IOException {
    int failures = 0;
    for (int k = 0; ; k++) {
      begin();
      units();
      FaultDisk disk = new FaultDisk().failAt(k);
      Throwable thrown = catchThrowable(() -> join(disk));
      if (thrown != null) {
        failures++;
        assertThat(thrown).isInstanceOf(IOException.class).hasMessageContaining("injected");
        if (Files.exists(target)) {
          // The rename was done, and its flush failed.
          assertThat(Files.readAllBytes(target)).isEqualTo(complete);
          Files.delete(target);
          Folders.delete(parts());
          continue;
        }
        assertJoins();
      }
      Files.deleteIfExists(target);
      if (thrown == null && disk.operations() <= k) {
        break;
      }
    }
    assertThat(failures).isGreaterThan(5);
  }

  @Test
  void everyDamagedByteOfAUnitIsFound() throws IOException {
    int damaged = 0;
    for (int k = 0; k < 20; k++) {
      begin();
      FaultDisk disk = new FaultDisk().damageAt(k);
      Throwable thrown = catchThrowable(() -> unit(0, disk));
      if (thrown != null) {
        damaged++;
        assertThat(thrown).isInstanceOf(ValidationException.class);
      }
      units();
      assertJoins();
      Files.delete(target);
    }
    assertThat(damaged).isGreaterThan(3);
  }

  @Test
  void aFullDiskStopsAUnitAndNothingElse() throws IOException {
    begin();
    assertThatThrownBy(() -> unit(0, new FaultDisk().full(5000, 10)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("no space left");
    assertThatThrownBy(() -> join(Disk.REAL))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("not complete: 0, 1, 2 of 3");
    units();
    assertJoins();
  }

  /** The flush of a killed unit may be half done; its record is not there. */
  @Test
  void aKilledUnitIsWrittenAgain() throws IOException {
    begin();
    units();
    Files.delete(parts().resolve("unit-1.json"));
    flip(parts().resolve("data.tmp"), 6000);
    assertThatThrownBy(() -> join(Disk.REAL)).hasMessageContaining("not complete: 1 of 3");
    Files.write(parts().resolve("unit-1.json"), new byte[] {'{'});
    assertThatThrownBy(() -> join(Disk.REAL)).hasMessageContaining("not complete: 1 of 3");
    units();
    assertJoins();
  }

  private static void flip(Path file, long at) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 1)).rewind();
      channel.write(one, at);
    }
  }

  @Test
  void whatChangesAfterAUnitIsFoundAndTheUnitRepairsIt() throws IOException {
    begin();
    units();
    flip(parts().resolve("data.tmp"), complete.length - 1);
    assertThatThrownBy(() -> join(Disk.REAL))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("is not what unit 1 wrote");
    assertThat(target).doesNotExist();
    assertThat(unit(0, Disk.REAL)).isFalse();
    assertThat(unit(1, Disk.REAL)).as("written again").isTrue();
    assertJoins();
  }

  /** A copy of the parts to another machine that broke off, with all records. */
  @Test
  void partsThatWereCopiedInPartAreFoundAndRepaired() throws IOException {
    for (long length : new long[] {complete.length - 1, 10_000, 0}) {
      begin();
      units();
      try (FileChannel data =
          FileChannel.open(parts().resolve("data.tmp"), StandardOpenOption.WRITE)) {
        data.truncate(length);
      }
      assertThatThrownBy(() -> join(Disk.REAL))
          .as("cut to " + length)
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("unit");
      assertThat(target).doesNotExist();
      units();
      assertJoins();
      Files.delete(target);
    }
  }

  @Test
  void aUnitMayRunTwiceAtOnceAndOneOfTwoJoinsWins() throws Exception {
    for (int round = 0; round < 10; round++) {
      begin();
      List<Callable<Boolean>> twice = new ArrayList<>();
      for (int i = 0; i < 2 * UNITS; i++) {
        int unit = i % UNITS;
        twice.add(() -> unit(unit, Disk.REAL));
      }
      assertThat(all(twice)).hasSize(2 * UNITS).doesNotContain("refused");
      List<String> joins =
          all(List.of(() -> join(Disk.REAL).isEmpty(), () -> join(Disk.REAL).isEmpty()));
      assertThat(joins).contains("false");
      assertThat(Files.readAllBytes(target)).isEqualTo(complete);
      assertThat(Folders.names(folder)).containsExactly("model.safetensors");
      Files.delete(target);
    }
  }

  /** What each returns, or refused; anything but a refusal of an output fails the test. */
  private static List<String> all(List<Callable<Boolean>> work) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(work.size());
    try {
      List<String> results = new ArrayList<>();
      for (Future<Boolean> one : pool.invokeAll(work)) {
        try {
          results.add(String.valueOf(one.get()));
        } catch (ExecutionException e) {
          assertThat(e).hasCauseInstanceOf(OutputException.class);
          results.add("refused");
        }
      }
      return results;
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void aUnitThatComesAfterTheJoinIsRefused() throws IOException {
    begin();
    units();
    assertJoins();
    Files.delete(target);
    assertThatThrownBy(() -> unit(0, Disk.REAL))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("the units were joined already");
    assertThatThrownBy(() -> join(Disk.REAL)).hasMessageContaining("the units were joined already");
    assertThat(folder).isEmptyDirectory();
  }

  /** As if it were damaged: the unit writes it again. */
  @Test
  void aRecordThatNamesOtherFilesCountsForNothing() throws IOException {
    Path other = Files.writeString(folder.resolve("other"), "not of this output");
    for (String name : List.of("../../other", "..", other.toString())) {
      begin();
      units();
      Path record = parts().resolve("unit-0.json");
      String text = Files.readString(record);
      assertThat(text).contains("\"files\":{\"\":");
      Files.writeString(record, text.replace("\"files\":{\"\":", "\"files\":{\"" + name + "\":"));
      assertThatThrownBy(() -> join(Disk.REAL)).hasMessageContaining("not complete: 0 of 3");
      assertThat(unit(0, Disk.REAL)).as("written again").isTrue();
      assertThat(join(Disk.REAL)).containsExactly(target);
      assertThat(Files.readAllBytes(target)).isEqualTo(complete);
      Files.delete(target);
    }
    assertThat(other).hasContent("not of this output");
  }

  @Test
  void unitsWriteToNoLink() throws IOException {
    begin();
    byte[] mine = new byte[complete.length];
    Path victim = Files.write(folder.resolve("victim"), mine);
    Files.delete(parts().resolve("data.tmp"));
    Files.createSymbolicLink(parts().resolve("data.tmp"), victim);
    for (Callable<?> work :
        List.<Callable<?>>of(
            () -> unit(0, Disk.REAL),
            () -> join(Disk.REAL),
            () -> {
              begin();
              return true;
            })) {
      assertThatThrownBy(work::call)
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("data.tmp: is a link");
    }
    assertThat(victim).hasBinaryContent(mine);
  }

  /** Clocks of several machines differ; no time of a part is looked at. */
  @Test
  void timesOfPartsDoNotMatter() throws IOException {
    begin();
    for (int unit = 0; unit < UNITS; unit++) {
      unit(unit, Disk.REAL);
      long year = unit == 0 ? 1980 : 2200;
      FileTime time = FileTime.fromMillis((year - 1970) * 365L * 86_400_000);
      try (Stream<Path> files = Files.list(parts())) {
        for (Path file : files.toList()) {
          Files.setLastModifiedTime(file, time);
        }
      }
      Files.setLastModifiedTime(parts(), time);
    }
    assertThat(unit(0, Disk.REAL)).isFalse();
    assertJoins();
  }

  @Test
  void withoutHashesNothingIsShared() {
    Sample sample = sample();
    Provenance test = Provenance.of("test", "1");
    Provenance without =
        new Provenance(
            test.tool(),
            test.version(),
            test.configuration(),
            test.plugins(),
            test.reading(),
            test.calibration(),
            test.edits(),
            Hashing.NONE,
            test.inputs());
    Request request =
        new Request(
            sample.source(),
            sample.contents(Optional.of(without)),
            new WriteOptions(
                target, false, true, false, Optional.of(new OutputShare.Begin(PLAN, 1))));
    assertThatThrownBy(() -> request.open(new SafetensorsOutput()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--hash none");
  }
}
