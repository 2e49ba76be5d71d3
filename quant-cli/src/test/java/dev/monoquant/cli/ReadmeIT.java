package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.monoquant.cli.Distribution.Run;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every command of the README and of the pages about the command line works, typed in as it stands
 * there.
 */
class ReadmeIT {

  @TempDir private Path dir;

  /** In order, in one folder, since a later command may read what an earlier one wrote. */
  @Test
  void everyCommandWorks() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs a POSIX shell");
    models();
    String path = Distribution.launcher().getParent() + File.pathSeparator + System.getenv("PATH");
    Distribution shell = new Distribution(dir).with("PATH", path);
    List<String> builds = new ArrayList<>();
    int run = 0;
    for (String command : Readme.commands()) {
      if (command.startsWith("quant ")) {
        run(shell, command);
        run++;
      } else if (command.startsWith(Readme.BUILD + " && ")) {
        builds.add(Readme.BUILD);
        run(root(), command.substring((Readme.BUILD + " && ").length()));
      } else if (command.equals(Readme.TEST)) {
        builds.add(command);
      } else {
        fail("nobody runs this command: " + command);
      }
    }
    // A build within a build is left out; these two are what every change is built and tested with.
    assertThat(builds).containsExactly(Readme.BUILD, Readme.TEST);
    assertThat(run).isGreaterThan(8);
    assertThat(dir.resolve("llm-int4/config.json")).exists();
    assertThat(dir.resolve("report.json")).isNotEmptyFile();
  }

  private static Distribution root() {
    return new Distribution(Distribution.ROOT);
  }

  private static void run(Distribution where, String command) {
    Run run = where.run(List.of("/bin/sh", "-c", command));
    assertThat(run.code()).as(command + "\n" + run.err()).isZero();
    assertThat(run.out()).as(command).isNotEmpty();
  }

  /** What the commands take for granted: a model, a directory, recipes, a plugin. */
  private void models() throws IOException {
    Files.copy(Distribution.DIGITS, dir.resolve("model.safetensors"));
    Files.copy(Distribution.DIGITS_SCRIPT, dir.resolve("digits-cnn.pt"));
    Files.copy(
        Path.of("src", "test", "resources", "digits", "cnn.test.safetensors"),
        dir.resolve("digits.safetensors"));
    Files.copy(TracedArchitecturesTest.GPT2, dir.resolve("gpt2.pt"));
    for (String traced : List.of("gpt2.safetensors", "resnet.pt", "resnet.safetensors")) {
      Files.copy(TracedArchitecturesTest.FOLDER.resolve(traced), dir.resolve(traced));
    }
    Models.llm(dir.resolve("llm"));
    try (InputStream gguf = ReadmeIT.class.getResourceAsStream("/gguf/tiny-f16.gguf")) {
      Files.copy(gguf, dir.resolve("model-f16.gguf"));
    }
    List<String> recipes = Readme.blocks("yaml");
    Files.writeString(dir.resolve("recipe.yaml"), recipes.get(0));
    String outputs = recipes.stream().filter(r -> r.contains("outputs:")).findFirst().orElseThrow();
    Files.writeString(dir.resolve("outputs.yaml"), outputs);
    String name = "dev.monoquant.testkit.example.PowerOfTwo";
    String source =
        Files.readString(
            Distribution.ROOT.resolve(
                "quant-testkit/src/test/java/dev/monoquant/testkit/example/PowerOfTwo.java"));
    Path classes = PluginJar.compile(dir, name, source);
    PluginJar.pack(dir.resolve("pow2.jar"), classes, "dev.monoquant.spi.Scheme", name);
  }
}
