package dev.monoquant.core.trial;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.settings.Settings;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The command line of the child JVM. */
class ChildCommandTest {

  private static final String ARCHIVE = "monoquant.archive";

  @Test
  void theChildLoadsTheArchiveOfClassesThatTheLauncherFound() {
    Path folder = Path.of("job");
    assertThat(ChildCommand.of(Settings.defaults(), folder))
        .noneMatch(argument -> argument.startsWith("-XX:SharedArchiveFile"));
    System.setProperty(ARCHIVE, "lib/quant.jsa");
    try {
      List<String> command = ChildCommand.of(Settings.defaults(), folder);
      assertThat(command).containsSubsequence("-XX:SharedArchiveFile=lib/quant.jsa", "-cp");
    } finally {
      System.clearProperty(ARCHIVE);
    }
  }
}
