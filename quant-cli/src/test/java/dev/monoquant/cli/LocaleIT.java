package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Names beyond ASCII in every locale. A shell makes and looks for the files, so that the encoding
 * of this JVM does not matter.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "its file names do not depend on the locale")
class LocaleIT {

  /** The UTF-8 bytes of small u and o with two dots. */
  private static final String U = "$(printf '\\303\\274')";

  private static final String O = "$(printf '\\303\\266')";

  /** Latin-1, which is no UTF-8. */
  private static final String RAW = "$(printf '\\374')";

  @TempDir private Path dir;

  @BeforeEach
  void makeModel() throws IOException {
    Path model = Files.createDirectory(dir.resolve("in"));
    Files.copy(Distribution.DIGITS, model.resolve("model.safetensors"));
  }

  private Run shell(String locale, String script) {
    return new Distribution(dir)
        .with("LC_ALL", locale)
        .run(List.of("sh", "-c", script, Distribution.launcher().toString()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"C", "POSIX", "no_SUCH.UTF-8", "C.UTF-8"})
  void namesAreWhatTheyAreInEveryLocale(String locale) {
    Run run =
        shell(
            locale,
            "echo hi > in/"
                + U
                + ".txt && \"$0\" quantize in -o out"
                + O
                + " && test -f out"
                + O
                + "/"
                + U
                + ".txt && test -f out"
                + O
                + "/model.safetensors");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).contains("quant: wrote out\u00f6");
  }

  @Test
  void aPathThatIsNoUtf8IsRefused() {
    Run run = shell("C", "\"$0\" quantize in/model.safetensors -o out" + RAW + ".safetensors");
    assertThat(run.code()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains("--output", "not valid in UTF-8");
    assertThat(dir).isDirectoryNotContaining(f -> f.getFileName().toString().startsWith("out"));
  }
}
