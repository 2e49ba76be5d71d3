package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The projects that the Maven plugin builds: what they have become, and what they do again. */
class MavenPluginIT {

  private static final Path BUILT =
      Guides.ROOT.resolve("quant-examples/target/examples/quantize-in-the-build");

  @TempDir private Path folder;

  @BeforeEach
  void onlyInTheProfileFull() {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "the profile full builds the projects");
  }

  @Test
  void theModelOfTheServiceIsInItsJarAndItsReportBesideIt() throws IOException {
    Path target = BUILT.resolve("digits-service/target");
    try (JarFile jar = new JarFile(target.resolve("digits-service-1.0.0.jar").toFile())) {
      assertThat(jar.getEntry("models/digits-int8.pt").getSize()).isBetween(100_000L, 250_000L);
    }
    assertThat(target.resolve("quant").toFile().list())
        .contains("digits.html", "digits.json", "digits.xml", "digits.manifest");
    assertThat(target.resolve("surefire-reports/com.example.digits.DigitReaderTest.txt"))
        .content()
        .contains("Tests run: 1, Failures: 0");
  }

  /** In one build, each module has the scheme that is a dependency of its plugin. */
  @Test
  void modulesHaveSchemesOfTheirOwn() throws IOException {
    for (String scheme : List.of("power-of-two", "k-means")) {
      Path target = BUILT.resolve("with-" + scheme + "/target");
      assertThat(target.resolve("digits-" + scheme + ".safetensors")).isNotEmptyFile();
      assertThat(target.resolve("quant/" + scheme + ".json"))
          .content()
          .contains(scheme.equals("k-means") ? "example/k-means@" : "example/pow2@");
    }
  }

  @Test
  void anotherBuildFindsTheModelUpToDateAndAGateFailsIt() throws Exception {
    assertThat(mvn(0)).contains("digits-int8.pt is up to date");
    assertThat(mvn(1, "-Dquant.minSpeedup=1000"))
        .contains(
            "BUILD FAILURE",
            "--min-speedup asks for 1000",
            "Try more bits or smaller groups",
            "See the report",
            "digits.html");
    // Made again, since the report was that of the refusal.
    assertThat(mvn(0)).contains("quantized: 3 weights of 13 tensors");
    assertThat(mvn(0)).contains("digits-int8.pt is up to date");
  }

  private String mvn(int code, String... more) throws IOException, InterruptedException {
    Path said = folder.resolve("said.txt");
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("maven.home"), "bin", "mvn").toString(),
                "-o",
                "-B",
                "-Dstyle.color=never",
                "-Dmaven.repo.local=" + Guides.ROOT.resolve("quant-examples/target/repository"),
                "-Dnative.classifier=" + System.getProperty("native.classifier"),
                "-f",
                BUILT.resolve("digits-service/pom.xml").toString(),
                "process-resources"));
    command.addAll(List.of(more));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
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
