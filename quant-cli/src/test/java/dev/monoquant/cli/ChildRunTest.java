package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Models that crash, do not end, or take all memory, in a command line of its own: the failure is a
 * message, and neither files nor processes are left.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ChildRunTest {

  private static final String[] LOOP = {
    "go = True", "while go:", "  go = torch.gt(torch.len(torch.size(x)), 0)"
  };

  @TempDir private Path dir;
  private Path temporary;
  private Path said;

  @BeforeEach
  void makeFolders() throws IOException {
    temporary = Files.createDirectory(dir.resolve("tmp"));
    said = dir.resolve("said.txt");
  }

  private Process start(Object... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:-UsePerfData", "-Xmx256m", "-Djava.io.tmpdir=" + temporary));
    command.addAll(List.of("-Dai.djl.offline=true", "-Dai.djl.pytorch.num_threads=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    Arrays.stream(args).map(Object::toString).forEach(command::add);
    return new ProcessBuilder(absolute(command))
        .directory(dir.toFile())
        .redirectErrorStream(true)
        .redirectOutput(said.toFile())
        .start();
  }

  /** Class paths of builds may be relative. */
  private static List<String> absolute(List<String> command) {
    int at = command.indexOf("-cp") + 1;
    String path =
        String.join(
            File.pathSeparator,
            Arrays.stream(command.get(at).split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .toList());
    command.set(at, path);
    return command;
  }

  private String run(int code, Object... args) throws Exception {
    Process process = start(args);
    try {
      assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(said, StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as(text).isEqualTo(code);
    assertThat(text).doesNotContain("\tat ");
    return text;
  }

  private List<Long> children() {
    return ProcessHandle.allProcesses()
        .filter(p -> p.info().commandLine().orElse("").contains(temporary.toString()))
        .map(ProcessHandle::pid)
        .toList();
  }

  private void requireNothingLeft(String... files) throws IOException {
    assertThat(temporary).isEmptyDirectory();
    assertThat(children()).isEmpty();
    try (Stream<Path> left = Files.list(dir)) {
      List<String> expected = new ArrayList<>(List.of("tmp", "said.txt"));
      expected.addAll(List.of(files));
      assertThat(left.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(expected);
    }
  }

  @Test
  void aModelThatDoesNotEndIsStopped() throws Exception {
    Path model = HostileScript.write(dir.resolve("loop.pt"), LOOP);
    String text = run(4, "quantize", model, "-o", "made.pt", "--run-timeout", "2s");
    assertThat(text).contains("did not end within 2 seconds", "--run-timeout", "--no-run");
    requireNothingLeft("loop.pt");
    assertThat(run(4, "bench", model, "--run-timeout", "2s")).contains("--run-timeout");
    requireNothingLeft("loop.pt");
  }

  @Test
  void aModelThatTakesAllMemoryIsStopped() throws Exception {
    Path model =
        HostileScript.write(
            dir.resolve("fat.pt"),
            "l = annotate(List[Tensor], [])",
            "for i in range(30):",
            "  _9 = torch.append(l, torch.ones([33554432]))",
            "x = torch.add(x, torch.select(l[0], 0, 0))");
    String text = run(4, "quantize", model, "-o", "made.pt", "--run-memory", "1g");
    assertThat(text).contains("of memory and were stopped; 1.0 GiB are allowed", "--run-memory");
    requireNothingLeft("fat.pt");
  }

  @Test
  void aCrashOfNativeCodeIsAMessage() throws Exception {
    Path model =
        HostileScript.write(
            dir.resolve("crash.pt"),
            "y = torch._reshape_alias(x, [4000000000, 1], [1, 1])",
            "x = torch.add(x, torch.sum(y))");
    String text = run(4, "quantize", model, "-o", "made.pt", "--trust");
    assertThat(text).contains("native code crashed (SIGSEGV in libtorch_cpu.so)", "--no-run");
    requireNothingLeft("crash.pt");
  }

  /** A terminal, a scheduler or a container ends this process, or the system kills it. */
  @Test
  void itEndsWithItsParent() throws Exception {
    Path model = HostileScript.write(dir.resolve("loop.pt"), LOOP);
    for (boolean kill : new boolean[] {false, true}) {
      Process process = start("quantize", model, "-o", "made.pt");
      try {
        while (process.children().findAny().isEmpty()) {
          assertThat(process.isAlive()).as(Files.readString(said)).isTrue();
          Thread.sleep(50);
        }
        // The child starts the engine, and the loop begins; what is asked of both holds earlier
        // too.
        Thread.sleep(3000);
        if (kill) {
          process.destroyForcibly();
        } else {
          process.destroy();
        }
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      } finally {
        process.destroyForcibly();
      }
      if (!kill) {
        assertThat(process.exitValue()).isEqualTo(130);
        assertThat(Files.readString(said)).contains("interrupted").doesNotContain("wrote");
        requireNothingLeft("loop.pt");
      }
      for (int i = 0; i < 100 && !children().isEmpty(); i++) {
        Thread.sleep(100);
      }
      assertThat(children()).isEmpty();
      assertThat(temporary).isEmptyDirectory();
    }
  }

  @Test
  void boundsAreNumbersWithUnits() throws Exception {
    for (String bad : List.of("10", "0s", "-1m", "m", "1.5h", "99999999999999999999s", "1d")) {
      assertThat(run(2, "bench", "none.pt", "--run-timeout=" + bad))
          .contains("one of the units h, m, s. Example: --run-timeout 10m");
    }
    assertThat(run(2, "bench", "none.pt", "--run-memory=8gb"))
        .contains("one of the units g, k, m. Example: --run-memory 8g");
  }
}
