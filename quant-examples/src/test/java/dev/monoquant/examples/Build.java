package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs Maven on a project, without a network, with what this build has packaged.
 *
 * @param project the folder of the project
 * @param settings settings by which what this build has needed is at hand
 * @param home the folder of Maven
 */
record Build(Path project, Path settings, Path home) {

  private static final Path MODULE = Guides.ROOT.resolve("quant-examples");

  /** A Maven. */
  enum Maven {
    OF_THIS_BUILD,
    /** The release candidate of the next one, which the profile {@code full} unpacks. */
    NEXT;

    private Path home() throws IOException {
      if (this == OF_THIS_BUILD) {
        return Path.of(System.getProperty("maven.home"));
      }
      try (var found = Files.list(MODULE.resolve("target/maven"))) {
        Path home = found.findFirst().orElseThrow();
        // Zip archives tell no modes.
        assertThat(home.resolve("bin/mvn").toFile().setExecutable(true)).isTrue();
        return home;
      }
    }
  }

  /**
   * {@return what runs Maven on a project}
   *
   * @param project the folder of the project
   * @param temporary a folder for the settings
   * @param maven which one
   */
  static Build in(Path project, Path temporary, Maven maven) throws IOException {
    String text = Files.readString(MODULE.resolve("src/it/settings.xml"));
    String atHand = Path.of(System.getProperty("localRepository")).toUri().toString();
    return new Build(
        project,
        Files.writeString(
            temporary.resolve("settings.xml"), text.replace("@localRepositoryUrl@", atHand)),
        maven.home());
  }

  /**
   * {@return what Maven says}
   *
   * @param code the exit code that is expected
   * @param arguments phases, goals and options
   */
  String run(int code, String... arguments) throws IOException, InterruptedException {
    Path said = settings.resolveSibling("said.txt");
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin/mvn").toString());
    command.addAll(List.of("-o", "-B", "-Dstyle.color=never"));
    command.addAll(List.of("-s", settings.toString()));
    command.add("-Dmaven.repo.local=" + MODULE.resolve("target/repository"));
    command.add("-Daether.offline.protocols=file");
    command.add("-Dnative.classifier=" + System.getProperty("native.classifier"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(project.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(command + " still runs: " + Files.readString(said));
    }
    String text = Files.readString(said);
    assertThat(process.exitValue()).as(command + "\n" + text).isEqualTo(code);
    return text;
  }
}
