package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The steps of {@code action.yml}, as a runner of GitHub Actions runs them. */
class ActionIT {

  @TempDir private Path dir;

  private static List<Map<?, ?>> steps() throws IOException {
    String text = Files.readString(Distribution.ROOT.resolve("action.yml"));
    Map<?, ?> action = (Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(text);
    Map<?, ?> runs = (Map<?, ?>) action.get("runs");
    return ((List<?>) runs.get("steps"))
        .stream().map(step -> (Map<?, ?>) step).collect(Collectors.toList());
  }

  /** What the runner puts into a script is executed, whatever it is. */
  @Test
  void inputsAreNoPartOfAScript() throws IOException {
    assertThat(steps()).hasSize(2).noneMatch(step -> step.get("run").toString().contains("${{"));
  }

  @Test
  void aModelIsQuantizedAndAMissedGateIsAnnotatedAndOnThePageOfTheJob() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs bash");
    Path page = dir.resolve("page.md");
    Run good = step("x.safetensors", "  --exclude\t\n\n  features.*\r\n", page);
    assertThat(good.code()).as(good.err()).isZero();
    assertThat(dir.resolve("x.safetensors")).isNotEmptyFile();
    assertThat(page).content().contains("✅");
    assertThat(good.err()).doesNotContain("::error");

    Run missed = step("$(touch owned).safetensors", "--min-sqnr=90", page);
    assertThat(missed.code()).isEqualTo(4);
    assertThat(missed.err()).contains("\n::error title=quant::gate missed: classifier.1.weight");
    assertThat(page).content().contains("✅", "❌ missed");
    assertThat(dir.resolve("owned")).doesNotExist();
  }

  /** A name is no option, whatever it begins with. */
  @Test
  void namesMayBeginLikeOptions() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs bash");
    Files.copy(Distribution.DIGITS, dir.resolve("--help"));
    Run run = step("--help", "-x.safetensors", "--exclude\nfeatures.*", dir.resolve("page.md"));
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(dir.resolve("-x.safetensors")).isNotEmptyFile();
  }

  private Run step(String output, String arguments, Path page) throws IOException {
    return step(Distribution.DIGITS.toString(), output, arguments, page);
  }

  private Run step(String input, String output, String arguments, Path page) throws IOException {
    List<Map<?, ?>> steps = steps();
    return new Distribution(dir)
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_STEP_SUMMARY", page.toString())
        .with("GITHUB_ACTION_PATH", Distribution.ROOT.toString())
        .with("QUANT_INPUT", input)
        .with("QUANT_OUTPUT", output)
        .with("QUANT_ARGUMENTS", arguments)
        .run(
            List.of("/bin/bash", "-e", "-o", "pipefail", "-c", steps.get(1).get("run").toString()));
  }
}
