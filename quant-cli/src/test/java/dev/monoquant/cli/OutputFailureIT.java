package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Outputs that cannot be written give 5 and leave nothing. */
class OutputFailureIT {

  private static final String DIGITS = Distribution.DIGITS.toString();

  @TempDir private Path dir;

  @Test
  void aMissingFolder() throws IOException {
    Run run = new Distribution(dir).quant("quantize", DIGITS, "-o", "none/x.safetensors");
    assertThat(run.code()).isEqualTo(5);
    assertThat(run.err()).contains("the folder", "does not exist. Make it first: mkdir -p");
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  void aFolderThatMayNotBeWritten() throws IOException {
    Path folder = Files.createDirectory(dir.resolve("locked"));
    assertThat(folder.toFile().setWritable(false)).isTrue();
    assumeTrue(!Files.isWritable(folder), "the administrator may write everywhere");
    Run run = new Distribution(dir).quant("quantize", DIGITS, "-o", "locked/x.safetensors");
    assertThat(run.code()).isEqualTo(5);
    assertThat(run.err()).contains("may not be written");
  }

  /** A shell's limit on the size of files is as good as a full disk. */
  @Test
  void aDiskThatIsFullInTheMiddle() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs a POSIX shell");
    Models.sparse(dir.resolve("big.safetensors"), 1);
    String command =
        "ulimit -f 16; exec '"
            + Distribution.launcher()
            + "' quantize big.safetensors -o o.safetensors";
    Run run = new Distribution(dir).run(List.of("/bin/sh", "-c", command));
    assertThat(run.code()).as(run.err()).isEqualTo(5);
    assertThat(run.err())
        .containsPattern("o\\.safetensors: no space left: needs 1679\\d{4} bytes, \\d+ bytes are")
        .doesNotContain("\tat ");
    assertThat(run.out()).isEmpty();
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left.map(f -> f.getFileName().toString())).containsExactly("big.safetensors");
    }
  }

  @Test
  void standardOutputThatIsFull() {
    assumeTrue(Files.exists(Path.of("/dev/full")), "needs /dev/full");
    String command = "exec '" + Distribution.launcher() + "' inspect '" + DIGITS + "' > /dev/full";
    Run run = new Distribution(dir).run(List.of("/bin/sh", "-c", command));
    assertThat(run.code()).isEqualTo(5);
    assertThat(run.err()).startsWith("quant: the results could not be written");
  }
}
