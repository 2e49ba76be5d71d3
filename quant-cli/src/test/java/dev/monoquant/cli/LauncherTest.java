package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The two launchers start the same thing in the same way. */
class LauncherTest {

  /** The launcher for Windows cannot ask whether somebody watches; Java's own guess must do. */
  private static final String TERMINAL = "-Dmonoquant.terminal=";

  private static String launcher(String name) throws IOException {
    return Files.readString(Path.of("src/dist/bin", name)).replace("\\\n", " ");
  }

  private static Set<String> options(String text) {
    return Pattern.compile("(?<=\\s|=|\")-[XD][\\w.:+]+(=[\\w-]+)?")
        .matcher(text)
        .results()
        .map(m -> m.group())
        .filter(o -> !o.startsWith("-XX:+Use") || o.equals("-XX:+UseParallelGC"))
        .filter(o -> !o.startsWith(TERMINAL.substring(0, TERMINAL.length() - 1)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void theOptionsOfTheJvmAreTheSame() throws IOException {
    assertThat(options(launcher("quant.bat")))
        .isEqualTo(options(launcher("quant")))
        .contains(
            "-Xmx512m",
            "-XX:+UseParallelGC",
            "-Dfile.encoding=UTF-8",
            "-Dstdout.encoding=UTF-8",
            "-Dstderr.encoding=UTF-8",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1");
  }

  @Test
  void classPathMainClassAndSettingsAreTheSame() throws IOException {
    assertThat(launcher("quant"))
        .contains("${QUANT_OPTS-} -cp \"$home/lib/*\" dev.monoquant.cli.Main \"$@\"")
        .contains("OPT_OUT_TRACKING=true")
        .contains("$JAVA_HOME/bin/java");
    assertThat(launcher("quant.bat"))
        .contains("%QUANT_OPTS% -cp \"%QUANT_HOME%\\lib\\*\" dev.monoquant.cli.Main %*")
        .contains("set \"OPT_OUT_TRACKING=true\"")
        .contains("%JAVA_HOME%\\bin\\java.exe")
        .contains("exit /b %ERRORLEVEL%");
  }

  /** JDK 24 and later warn of each library that loads native code, unless they are told. */
  @Test
  void bothAllowNativeCode() throws IOException {
    assertThat(launcher("quant")).contains(" --enable-native-access=ALL-UNNAMED ");
    assertThat(launcher("quant.bat")).contains(" --enable-native-access=ALL-UNNAMED ");
  }

  @Test
  void bothRefuseAnOldJavaInTheSameWords() throws IOException {
    String remedy = "Install Java 17 or newer, then set JAVA_HOME to its directory";
    assertThat(launcher("quant")).contains(remedy, "-lt 17");
    assertThat(launcher("quant.bat")).contains(remedy, "LSS 17");
  }
}
