package dev.monoquant.files.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.OutputException;
import dev.monoquant.files.testing.Folders;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** One run at a time, in one process and in several, and no lock outlives its process. */
class TargetLockTest {

  @TempDir Path folder;

  @Test
  void ofManyThreadsOneAtATimeHasIt() throws Exception {
    Path target = folder.resolve("m");
    AtomicInteger holders = new AtomicInteger();
    AtomicInteger wins = new AtomicInteger();
    AtomicInteger refusals = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        all.add(
            pool.submit(
                () -> {
                  while (wins.get() < 200) {
                    try (TargetLock lock = TargetLock.take(target)) {
                      assertThat(holders.incrementAndGet()).isEqualTo(1);
                      assertThat(lock).isNotNull();
                      wins.incrementAndGet();
                      holders.decrementAndGet();
                    } catch (OutputException busy) {
                      refusals.incrementAndGet();
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } finally {
      pool.shutdownNow();
    }
    assertThat(wins.get()).isGreaterThanOrEqualTo(200);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege")
  void aLinkIsNotFollowed() throws IOException {
    Path precious = Files.writeString(folder.resolve("precious"), "mine");
    for (Path aim : List.of(precious, folder.resolve("none"))) {
      Path lock = Files.createSymbolicLink(folder.resolve(".m.quant-lock"), aim);
      assertThatThrownBy(() -> TargetLock.take(folder.resolve("m")))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining(".m.quant-lock: no run has made this file")
          .hasMessageContaining("Remove it");
      Files.delete(lock);
    }
    assertThat(precious).hasContent("mine");
    assertThat(folder).isDirectoryContaining(f -> f.equals(precious));
    assertThat(folder.toFile().list()).hasSize(1);
  }

  @Test
  void whatIsNoLockStaysAsItIs() throws IOException {
    Path lock = folder.resolve(".m.quant-lock");
    for (String content : List.of("mine", "12 monkeys", "12\n12", "1".repeat(5000), "7\n \n")) {
      Files.writeString(lock, content);
      assertThatThrownBy(() -> TargetLock.take(folder.resolve("m")))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("no run has made this file");
      assertThat(Files.readString(lock)).isEqualTo(content);
    }
    for (String left : List.of("", "12\n", "123456\n" + " ".repeat(1023))) {
      Files.writeString(lock, left);
      TargetLock.take(folder.resolve("m")).close();
      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void anInterruptLeavesNoFile() throws IOException {
    Thread.currentThread().interrupt();
    try (TargetLock lock = TargetLock.take(folder.resolve("m"))) {
      assertThat(lock).isNotNull();
      assertThat(folder).isNotEmptyDirectory();
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(folder).isEmptyDirectory();
  }

  /** A child process that takes the lock and keeps it; or tries to, a number of times. */
  public static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      Path target = Path.of(args[0]);
      if (args.length == 1) {
        TargetLock.take(target);
        System.out.println("taken");
        System.in.read();
      }
      Path inside = target.resolveSibling("inside");
      for (int wins = 0; wins < Integer.parseInt(args[1]); ) {
        try (TargetLock lock = TargetLock.take(target)) {
          // Fails if the other process is inside as well.
          Files.createFile(inside);
          Files.delete(inside);
          wins += lock == null ? 0 : 1;
        } catch (OutputException busy) {
          Thread.onSpinWait();
        }
      }
    }
  }

  private static Process fork(String... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(Child.class.getName());
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  @Test
  void anotherProcessIsNamedAndItsDeathFreesTheLock() throws Exception {
    Path target = folder.resolve("m");
    Process child = fork(target.toString());
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("taken");
      assertThatThrownBy(() -> TargetLock.take(target))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("another run, process " + child.pid() + ", is writing it")
          .hasMessageContaining(target.toString());
    } finally {
      child.destroyForcibly().waitFor();
    }
    assertThat(Folders.names(folder)).containsExactly(".m.quant-lock");
    TargetLock.take(target).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void twoProcessesAreNeverInsideTogether() throws Exception {
    Path target = folder.resolve("m");
    List<Process> children =
        List.of(fork(target.toString(), "300"), fork(target.toString(), "300"));
    for (Process child : children) {
      String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(child.waitFor()).as(said).isZero();
    }
    assertThat(folder).isEmptyDirectory();
  }
}
