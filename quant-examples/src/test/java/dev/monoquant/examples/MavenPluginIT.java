package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The projects that the Maven plugin builds: what they have become, and what they do again. */
class MavenPluginIT {

  private static final Path BUILT =
      Guides.ROOT.resolve("quant-examples/target/examples/quantize-in-the-build");

  /** A project with nothing but the plugin; {@code %s} is its configuration. */
  private static final String POM =
      """
      <project xmlns="http://maven.apache.org/POM/4.0.0">
        <modelVersion>4.0.0</modelVersion>
        <groupId>org.stranger</groupId>
        <artifactId>model</artifactId>
        <version>1</version>
        <packaging>pom</packaging>
        <build><plugins><plugin>
          <groupId>dev.monoquant</groupId>
          <artifactId>quant-maven-plugin</artifactId>
          <version>0.1.0-SNAPSHOT</version>
          <executions><execution>
            <id>small</id>
            <goals><goal>quantize</goal></goals>
            <configuration>
              <input>digits.safetensors</input>
              %s
            </configuration>
          </execution></executions>
        </plugin></plugins></build>
      </project>
      """;

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
    Build service = Build.in(BUILT.resolve("digits-service"), folder, Build.Maven.OF_THIS_BUILD);
    assertThat(service.run(0, "process-resources")).contains("digits-int8.pt is up to date");
    assertThat(service.run(1, "process-resources", "-Dquant.minSpeedup=1000"))
        .contains(
            "BUILD FAILURE",
            "digits-int8.pt is not made:",
            "<minSpeedup>",
            "Try more",
            "See target/quant/digits.html");
    // Made again, since the report was that of the refusal.
    assertThat(service.run(0, "process-resources")).contains("quantized: 3 weights of 13 tensors");
    assertThat(service.run(0, "process-resources")).contains("digits-int8.pt is up to date");
  }

  /** Modules with plugin dependencies of their own, in one build, also with the next Maven. */
  @Test
  void theNextMavenBuildsModulesWithSchemesOfTheirOwn() throws Exception {
    Build all = Build.in(BUILT.getParent(), folder, Build.Maven.NEXT);
    String modules = "quantize-in-the-build/with-power-of-two,quantize-in-the-build/with-k-means";
    String[] arguments = {
      "package",
      "-f",
      "projects.xml",
      "-Dquant.test.full=true",
      "-DskipTests",
      "-am",
      "-pl",
      modules
    };
    all.run(0, arguments);
    Files.delete(BUILT.resolve("with-k-means/target/digits-k-means.safetensors"));
    assertThat(all.run(0, arguments))
        .contains("digits-power-of-two.safetensors is up to date")
        .contains("digits-k-means.safetensors")
        .containsOnlyOnce("quantized: 4 weights of 13 tensors");
  }

  @ParameterizedTest
  @EnumSource
  void aProjectWithNothingButThePluginQuantizesAndFailsOnAGate(Build.Maven maven) throws Exception {
    Path project = Files.createDirectory(folder.resolve("a project"));
    Files.copy(
        Guides.ROOT.resolve("examples/models/digits-cnn.safetensors"),
        project.resolve("digits.safetensors"));
    String output = "<output>${project.build.directory}/small.safetensors</output>";
    Build build = Build.in(project, folder, maven);

    Files.writeString(project.resolve("pom.xml"), POM.formatted(output));
    assertThat(build.run(0, "package")).contains("BUILD SUCCESS", "quantized: 4 weights");
    Path small = project.resolve("target/small.safetensors");
    assertThat(small).isNotEmptyFile();
    assertThat(build.run(0, "package")).contains("small.safetensors is up to date");

    Files.writeString(project.resolve("pom.xml"), POM.formatted(output + "<minSqnr>60</minSqnr>"));
    assertThat(build.run(1, "package"))
        .contains(
            "BUILD FAILURE",
            "gate missed: classifier.1.weight has an SQNR of 41.28 dB",
            "Try more",
            "See target/quant/small.html");
    assertThat(project.resolve("target/quant/small.html")).content().contains("Refused");

    Files.writeString(project.resolve("pom.xml"), POM.formatted(""));
    assertThat(build.run(1, "package")).contains("small gives no <output>", "Example: <output>");

    Files.writeString(project.resolve("pom.xml"), POM.formatted(output + "<scheme>in8</scheme>"));
    assertThat(build.run(1, "package")).contains("BUILD FAILURE", "in8", "int8");

    // A gate with a wrong name would gate nothing.
    Files.writeString(project.resolve("pom.xml"), POM.formatted(output + "<minSqrn>60</minSqrn>"));
    assertThat(build.run(1, "package"))
        .contains("small has the parameter <minSqrn>, which is not known", "minSqnr");

    String outputs =
        """
        <outputs>
          <output><path>target/a.safetensors</path></output>
          <output><path>target/b.safetensors</path><scheme>fp8</scheme></output>
        </outputs>
        <recipeText>{scheme: int8, ignore: ["re:features.*"]}</recipeText>
        """;
    Files.writeString(project.resolve("pom.xml"), POM.formatted(outputs));
    assertThat(build.run(0, "package")).contains("wrote target/a.safetensors");
    Files.delete(project.resolve("target/b.safetensors"));
    assertThat(build.run(0, "package"))
        .contains("target/a.safetensors is up to date", "wrote target/b.safetensors")
        .doesNotContain("wrote target/a.safetensors");
    assertThat(build.run(0, "dev.monoquant:quant-maven-plugin:0.1.0-SNAPSHOT:report"))
        .contains("index.html");
    assertThat(project.resolve("target/quant/index.html")).content().contains("b.safetensors");
  }
}
