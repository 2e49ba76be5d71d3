package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Ctrl-C in the middle of a run. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no SIGINT to send")
class InterruptIT {

  @TempDir private Path dir;

  @Test
  void leavesNothingAndEndsWith130() throws IOException, InterruptedException {
    Models.sparse(dir.resolve("big.safetensors"), 48);
    Path out = dir.resolve("out.txt");
    Path err = dir.resolve("err.txt");
    Process process =
        new Distribution(dir)
            .start(
                List.of(
                    Distribution.launcher().toString(),
                    "quantize",
                    "big.safetensors",
                    "-o",
                    "int8.safetensors",
                    "--threads=1"),
                out,
                err);
    try {
      awaitTemporaryFile(process);
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(err)).isEqualTo(130);
    assertThat(Files.readString(err)).contains("quant: interrupted").doesNotContain("\tat ");
    assertThat(out).isEmptyFile();
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("big.safetensors", "out.txt", "err.txt");
    }
  }

  /** The run has begun to write, and is far from its end. */
  private void awaitTemporaryFile(Process process) throws IOException, InterruptedException {
    while (true) {
      assertThat(process.isAlive()).as("the run ended before it was interrupted").isTrue();
      try (Stream<Path> files = Files.list(dir)) {
        if (files
            .map(f -> f.getFileName().toString())
            .anyMatch(f -> f.startsWith(".int8") && !f.endsWith("-lock"))) {
          return;
        }
      }
      Thread.sleep(20);
    }
  }
}
