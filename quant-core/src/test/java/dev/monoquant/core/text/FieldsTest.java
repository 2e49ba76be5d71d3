package dev.monoquant.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

class FieldsTest {

  /** The runner of GitHub Actions reads standard output, and takes these for commands. */
  @Test
  void aNameIsNoCommandOfARunnerAndStaysTheSame() {
    for (String name : new String[] {"##[error]x", "###[[group]", "::error::x", "a ##[b]##["}) {
      String json = Fields.document("x", fields -> fields.text("name", name));
      assertThat(json).doesNotContain("##[").doesNotContainPattern("(?m)^\\s*::");
      assertThat(JsonParser.parseString(json).getAsJsonObject().get("name").getAsString())
          .isEqualTo(name);
    }
  }
}
