package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code of a model is run by nothing but side-by-side runs, and only if it computes. */
class UntrustedCodeTest {

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();
  private Path mark;
  private Path model;

  /** A model that writes a file when its {@code forward} runs. */
  @BeforeEach
  void write() throws IOException {
    mark = dir.resolve("mark");
    model =
        HostileScript.write(
            dir.resolve("model.pt"), "torch.save(x, \"" + mark.toAbsolutePath() + "\")");
  }

  @Test
  void codeThatWritesFilesIsRefusedByNameAndPlace() {
    Path output = dir.resolve("int8.pt");
    assertThat(quant.run("quantize", model, "-o", output)).isEqualTo(3);
    assertThat(quant.err())
        .contains(
            "its code was not run",
            "torch.save in code/__torch__.py line 10",
            "--trust; or accept the result without running it: --no-run");
    assertThat(output).doesNotExist();
    assertThat(quant.run("bench", model)).isEqualTo(3);
    assertThat(quant.err()).contains("torch.save in code/__torch__.py line 10", "--trust");
    assertThat(quant.run("bench", HostileScript.MODEL, model)).isEqualTo(3);
    assertThat(quant.err()).contains("model.pt: its code was not run");
    assertThat(mark).doesNotExist();
  }

  @Test
  void trustRunsIt() {
    assertThat(quant.run("bench", model, "--trust")).as(quant.err()).isZero();
    assertThat(mark).exists();
  }

  /** Each of these only reads. */
  @Test
  void nothingElseRunsCode() {
    Path output = dir.resolve("int8.pt");
    Path floats = dir.resolve("floats.safetensors");
    Path small = dir.resolve("int8.safetensors");
    Object[][] commands = {
      {"inspect", model},
      {"inspect", model, "--hashes"},
      {"quantize", model, "-o", output, "--dry-run"},
      {"quantize", model, "-o", small},
      {"quantize", model, "-o", output, "--no-run"},
      {"inspect", output},
      {"verify", output},
      {"verify", output, "--against", model},
      {"compare", model, output},
      {"dequantize", output, "-o", floats},
    };
    for (Object[] command : commands) {
      assertThat(quant.run(command)).as(quant.err()).isZero();
      assertThat(mark).as(command[0].toString()).doesNotExist();
    }
    assertThat(quant.run("bench", output)).isEqualTo(3);
    assertThat(quant.run("bench", output, "--trust")).as(quant.err()).isZero();
    assertThat(mark).as("the output still has the code").exists();
    assertThat(Files.exists(floats)).isTrue();
  }
}
