package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jars that the examples have become are used by the application, as the guides say. */
class ExamplesIT {

  private static final Path BUILT = Guides.ROOT.resolve("quant-examples/target/examples");
  private static final Path QUANT = Guides.ROOT.resolve("quant-cli/target/quant");
  private static final Path MODEL = Guides.ROOT.resolve("examples/models/digits-cnn.safetensors");

  @TempDir private Path folder;

  @Test
  void theCommandsOfTheSchemeGuideWork() throws Exception {
    assumeThat(Path.of("/bin/sh")).as("a POSIX shell").isExecutable();
    Files.copy(MODEL, folder.resolve("model.safetensors"));
    Files.createDirectory(folder.resolve("target"));
    String jar = "target/power-of-two-1.0.0.jar";
    Files.copy(BUILT.resolve("power-of-two").resolve(jar), folder.resolve(jar));
    List<String> commands =
        new ArrayList<>(Guides.commands(Guides.ROOT.resolve("docs/write-a-scheme.md")));
    // What the build of the examples has done already.
    assertThat(commands.remove(0)).isEqualTo("mvn -B -ntp verify");
    assertThat(commands).hasSize(4);
    for (String command : commands) {
      assertThat(command).startsWith("quant ");
      String said = run("/bin/sh", "-c", QUANT.resolve("bin") + File.separator + command);
      assertThat(said).as(command).isNotBlank();
    }
    assertThat(folder.resolve("model-float.safetensors")).isNotEmptyFile();
  }

  @Test
  void theNamedModuleIsFoundOnTheModulePath() throws Exception {
    Path jar = BUILT.resolve("k-means/target/k-means-1.0.0.jar");
    List<String> modules = new ArrayList<>(List.of(jar.toString()));
    List<String> classes = new ArrayList<>();
    try (Stream<Path> lib = Files.list(QUANT.resolve("lib"))) {
      lib.map(Path::toString)
          .sorted()
          .forEach(file -> (file.contains("pytorch-native-") ? classes : modules).add(file));
    }
    String said =
        run(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-p",
            String.join(File.pathSeparator, modules),
            "-cp",
            String.join(File.pathSeparator, classes),
            "-m",
            "dev.monoquant.cli/dev.monoquant.cli.Main",
            "quantize",
            MODEL.toString(),
            "-o",
            "learned.safetensors",
            "--scheme",
            "example/k-means",
            "--option",
            "iterations=3");
    assertThat(said).contains("example/k-means");
    assertThat(folder.resolve("learned.safetensors")).isNotEmptyFile();
  }

  private String run(String... command) throws IOException, InterruptedException {
    Path said = folder.resolve("said.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    if (!process.waitFor(2, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(List.of(command) + " still runs: " + Files.readString(said));
    }
    String text = Files.readString(said);
    assertThat(process.exitValue()).as(List.of(command) + "\n" + text).isZero();
    return text;
  }
}
