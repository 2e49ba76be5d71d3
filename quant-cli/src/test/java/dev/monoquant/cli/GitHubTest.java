package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GitHubTest {

  private static String annotation(Map<String, String> environment, String message) {
    StringWriter text = new StringWriter();
    new GitHub(environment).annotate("error", message, new PrintWriter(text, true));
    return text.toString();
  }

  @Test
  void aMessageIsOneCommandWhateverItContains() {
    assertThat(annotation(Map.of("GITHUB_ACTIONS", "true"), "100%\r\n::set-output name=x::y"))
        .isEqualToIgnoringNewLines("::error title=quant::100%25%0D%0A::set-output name=x::y");
  }

  @Test
  void nothingIsPrintedElsewhere() {
    assertThat(annotation(Map.of(), "a")).isEmpty();
    assertThat(annotation(Map.of("GITHUB_ACTIONS", ""), "a")).isEmpty();
  }

  @Test
  void thePageOfTheJobIsTheOneThatIsNamed() {
    assertThat(new GitHub(Map.of()).summary()).isEmpty();
    assertThat(new GitHub(Map.of("GITHUB_STEP_SUMMARY", "")).summary()).isEmpty();
    assertThat(new GitHub(Map.of("GITHUB_STEP_SUMMARY", "a/b")).summary()).contains(Path.of("a/b"));
  }
}
