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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder where the engine cannot unpack its libraries, in a JVM of its own. */
class EngineCacheTest {

  @TempDir private Path dir;

  private int code;

  private String run(String... args) throws IOException, InterruptedException {
    Path cache = Files.writeString(dir.resolve("file"), "no folder").resolve("cache");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(Arrays.asList(args));
    File said = dir.resolve("said.txt").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said);
    builder.environment().put("ENGINE_CACHE_DIR", cache.toString());
    builder.environment().put("OPT_OUT_TRACKING", "true");
    code = builder.start().waitFor();
    return Files.readString(said.toPath(), StandardCharsets.UTF_8);
  }

  private void requireCause(String said) {
    assertThat(said)
        .contains("could not start: it unpacks its libraries to " + dir.resolve("file"))
        .contains("It needs ", " MiB, and ", " MiB are free there. ", "ENGINE_CACHE_DIR")
        .doesNotContain("Exception", "Add its natives");
  }

  @Test
  void itIsSaidBeforeAnyWorkIsDone() throws IOException, InterruptedException {
    String model = Distribution.DIGITS.resolveSibling("digits-cnn.pt").toString();
    String said = run("quantize", model, "-o", dir.resolve("out.pt").toString());
    assertThat(code).as(said).isEqualTo(Failure.OUTPUT);
    requireCause(said);
    try (Stream<Path> files = Files.list(dir)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("file", "said.txt");
    }
  }

  @Test
  void theDoctorSaysItToo() throws IOException, InterruptedException {
    String said = run("doctor");
    assertThat(code).as(said).isEqualTo(Failure.VALIDATION);
    requireCause(said);
  }
}
