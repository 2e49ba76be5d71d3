package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import dev.monoquant.ModelFormatException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What is carried over, left out or cleaned up is in the report, whatever the log says. */
class NotesTest {

  @TempDir private Path folder;
  private Path input;

  @BeforeEach
  void makeModel() throws IOException {
    input = Checkpoint.directory(folder.resolve("in"), 1, 1, 32);
    Files.write(input.resolve("pytorch_model.bin"), new byte[2048]);
    Files.write(input.resolve("model.gguf"), new byte[1024]);
    Files.createDirectory(input.resolve("onnx"));
    Files.write(input.resolve("onnx/model.onnx"), new byte[5 << 20]);
    Files.write(input.resolve("vocab.txt"), new byte[3 << 20]);
  }

  private static Report quantize(Path input, Path target) {
    return Quantizer.create()
        .withSync(false)
        .withRunning(!target.toString().endsWith(".pt"))
        .quantize(ModelInput.of(input), QuantizationConfig.DEFAULT, target, false);
  }

  private static List<String> told(List<Problem> problems, Problem.Severity severity) {
    return problems.stream().filter(p -> p.severity() == severity).map(Problem::message).toList();
  }

  @Test
  void whatLiesBesideAModelIsCountedWhetherItIsCarriedOverOrNot() throws IOException {
    Path out = folder.resolve("out");
    Plan plan =
        Quantizer.create().plan(ModelInput.of(input), QuantizationConfig.DEFAULT, Optional.of(out));
    Report report = quantize(input, out);
    for (List<Problem> problems : List.of(plan.problems(), report.problems())) {
      assertThat(told(problems, Problem.Severity.WARNING))
          .containsExactly(
              "left out: 3 files, 5.0 MiB (onnx/model.onnx, pytorch_model.bin, model.gguf): weights"
                  + " for another program");
      assertThat(told(problems, Problem.Severity.NOTE))
          .filteredOn(note -> note.startsWith("carried over: "))
          .singleElement()
          .asString()
          .contains(" files, 3.0 MiB (vocab.txt, ");
    }
    assertThat(report.toTable()).contains("note: output: carried over: ", "warning: ");
    assertThat(
            JsonParser.parseString(report.toJson())
                .getAsJsonObject()
                .getAsJsonArray("problems")
                .toString())
        .contains("\"severity\":\"note\"", "pytorch_model.bin");
    assertThat(out.resolve("vocab.txt")).exists();
    assertThat(out.resolve("onnx/model.onnx")).doesNotExist();
    assertThat(out.resolve("pytorch_model.bin")).doesNotExist();
  }

  @Test
  void aSingleFileLeavesThemOut() {
    Report report = quantize(input, folder.resolve("out.safetensors"));
    assertThat(told(report.problems(), Problem.Severity.NOTE))
        .hasSize(1)
        .first()
        .asString()
        .startsWith("left out, since the output is a single file: ")
        .contains("3.0 MiB (vocab.txt, ");
  }

  @Test
  void entriesOfAnArchiveThatAreLeftOutAreCounted() {
    Report report = quantize(Digits.CNN.script("traced"), folder.resolve("out.pt"));
    assertThat(told(report.problems(), Problem.Severity.NOTE))
        .hasSize(1)
        .first()
        .asString()
        .matches(
            "left out: \\d+ entries of the archive, \\d+ bytes, .* \\(.*\\d x traced_inputs\\)");
  }

  @Test
  void whatAKilledRunLeftIsToldWhenItIsRemoved() throws IOException {
    String name = ".out.quant-999999999999-0123456789abcdef.tmp";
    Files.createDirectory(folder.resolve(name));
    Report report = quantize(input, folder.resolve("out"));
    assertThat(told(report.problems(), Problem.Severity.NOTE))
        .contains("removed: " + name + ", which a killed run had left");
    assertThat(folder.resolve(name)).doesNotExist();
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere such a name cannot be made")
  void aNameThatIsNoTextIsRefusedAndNotChanged() throws IOException, InterruptedException {
    String script = "echo hi > \"$(printf 'a\\374.txt')\"";
    Process shell = new ProcessBuilder("sh", "-c", script).directory(input.toFile()).start();
    assertThat(shell.waitFor()).isZero();
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> quantize(input, out))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("its name is not valid in")
        .hasMessageContaining("Rename or remove it");
    assertThat(out).doesNotExist();
  }
}
