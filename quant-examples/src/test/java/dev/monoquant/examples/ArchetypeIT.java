package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The project that the archetype makes passes its test, as the guide says. */
class ArchetypeIT {

  private static final Path GUIDE = Guides.ROOT.resolve("docs/write-a-scheme.md");

  @TempDir private Path folder;

  @Test
  void aGeneratedProjectPassesItsContract() throws Exception {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "the profile full generates a project");
    List<String> command = new ArrayList<>(Arrays.asList(Guides.commands(GUIDE).get(0).split(" ")));
    assertThat(command.subList(0, 3)).containsExactly("mvn", "-B", "archetype:generate");
    command.subList(0, 3).clear();
    // Offline, nothing tells the newest version behind a prefix.
    command.add(0, "org.apache.maven.plugins:maven-archetype-plugin:3.4.1:generate");
    Path work = Files.createDirectory(folder.resolve("work"));
    Build.in(work, folder, Build.Maven.OF_THIS_BUILD).run(0, command.toArray(String[]::new));

    Path project = work.resolve("acme-halves");
    assertThat(project.resolve("src/main/java/com/acme/Halves.java"))
        .content()
        .contains("class Halves implements Scheme", "\"acme/halves\"")
        .doesNotContain("${");
    String said = Build.in(project, folder, Build.Maven.OF_THIS_BUILD).run(0, "verify");
    assertThat(said).containsPattern("Tests run: \\d\\d+, Failures: 0, Errors: 0");
    assertThat(project.resolve("target/acme-halves-1.0.0.jar")).isNotEmptyFile();
  }
}
