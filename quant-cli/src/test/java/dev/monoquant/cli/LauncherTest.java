package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The two launchers start the same thing in the same way. */
class LauncherTest {

  /** The launcher for Windows cannot ask whether somebody watches; Java's own guess must do. */
  private static final String TERMINAL = "-Dmonoquant.terminal=";

  /** Choices by the command line, which a batch file cannot look at. */
  private static final Set<String> ONLY_ON_UNIX = Set.of("-XX:TieredStopAtLevel=1");

  private static String launcher(String name) throws IOException {
    return Files.readString(Path.of("src/dist/bin", name)).replace("\\\n", " ");
  }

  private static Set<String> options(String text) {
    return Pattern.compile("(?<=\\s|=|\")-[XD][\\w.:+]+(=[\\w-]+)?")
        .matcher(text)
        .results()
        .map(m -> m.group())
        .map(o -> o.equals("-Xmx") ? "-Xmx512m" : o)
        .filter(o -> !ONLY_ON_UNIX.contains(o))
        .filter(o -> !o.startsWith("-XX:+Use") || o.equals("-XX:+UseSerialGC"))
        .filter(o -> !o.startsWith(TERMINAL.substring(0, TERMINAL.length() - 1)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void theOptionsOfTheJvmAreTheSame() throws IOException {
    assertThat(options(launcher("quant.bat")))
        .isEqualTo(options(launcher("quant")))
        .contains(
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:SharedArchiveFile",
            "-Dmonoquant.archive",
            "-Dfile.encoding=UTF-8",
            "-Dstdout.encoding=UTF-8",
            "-Dstderr.encoding=UTF-8",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1");
  }

  @Test
  void classPathMainClassAndSettingsAreTheSame() throws IOException {
    assertThat(launcher("quant"))
        .contains(
            "${QUANT_OPTS-} -cp \"$home/lib/*:$home/lib/plugins/*\" dev.monoquant.cli.Main \"$@\"")
        .contains("OPT_OUT_TRACKING=true")
        .contains("$JAVA_HOME/bin/java");
    assertThat(launcher("quant.bat"))
        .contains(
            "%QUANT_OPTS% -cp \"%QUANT_HOME%\\lib\\*;%QUANT_HOME%\\lib\\plugins\\*\" dev.monoquant.cli.Main %*")
        .contains("set \"OPT_OUT_TRACKING=true\"")
        .contains("%JAVA_HOME%\\bin\\java.exe")
        .contains("exit /b %ERRORLEVEL%");
  }

  /** Java refuses to start with an archive that is named and not there. */
  @Test
  void anArchiveOfClassesIsNamedOnlyIfItIsThere() throws IOException {
    assertThat(launcher("quant")).contains("[ -r \"$archive\" ] || archive=");
    assertThat(launcher("quant.bat"))
        .contains(
            "set \"QUANT_ARCHIVE=\"", "if exist \"%QUANT_HOME%\\lib\\quant.jsa\" set QUANT_ARCH")
        .contains(" %QUANT_ARCHIVE% ");
  }

  /** {@code script}, of every Debian, gives a terminal of a known width. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void theColumnsOfTheTerminalAreToldForMessagesAndForResults(@TempDir Path folder)
      throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs /usr/bin/script");
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Path java = Files.writeString(bin.resolve("java"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Path quant = Files.copy(Path.of("src/dist/bin/quant"), bin.resolve("quant"));
    ProcessBuilder builder =
        new ProcessBuilder(
            "script", "-qec", "stty cols 61 rows 20; '" + quant + "' inspect a", "/dev/null");
    builder.environment().put("JAVA_HOME", folder.toString());
    Process process = builder.redirectInput(Path.of("/dev/null").toFile()).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    assertThat(said.lines()).contains("-Dmonoquant.terminal=61", "-Dmonoquant.terminal.results=61");
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

  @Test
  void bothCompileVectorKernelsEarlyAndWithTheTypesThatWereSeen() throws IOException {
    for (String name : List.of("quant", "quant.bat")) {
      assertThat(launcher(name))
          .contains(
              "-XX:CompileCommand=CompileThresholdScaling,dev.monoquant.vector.Vector*::*,",
              "-XX:CompileCommand=inline,dev.monoquant.vector.Lanes::*",
              "-XX:ProfileMaturityPercentage=0");
    }
  }

  /** With the threshold of vector kernels: C2 has to have them after 250 calls. */
  @Test
  void bothCompileFewMethodsWithoutLoops() throws IOException {
    for (String name : List.of("quant", "quant.bat")) {
      assertThat(launcher(name))
          .contains(
              "-XX:Tier4InvocationThreshold=20000 -XX:Tier4CompileThreshold=60000",
              "-XX:CompileCommand=CompileThresholdScaling,dev.monoquant.vector.Vector*::*,0.0125");
    }
  }

  @ParameterizedTest
  @DisabledOnOs(OS.WINDOWS)
  @CsvSource({
    "quantize a -o b,                       -Xmx512m, -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory 256m,     -Xmx176m, -XX:FreqInlineSize=60",
    "quantize --max-memory=1g a -o b,       -Xmx944m, -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory 262144K,  -Xmx176m, -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory 1m,       -Xmx32m,  -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory 9x9m,     -Xmx512m, -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory 099m,     -Xmx512m, -XX:FreqInlineSize=60",
    "quantize a -o b --max-memory,          -Xmx512m, -XX:FreqInlineSize=60",
    "quantize --help,                       -Xmx512m, -XX:TieredStopAtLevel=1",
    "inspect a,                             -Xmx512m, -XX:TieredStopAtLevel=1",
    "plan a,                                -Xmx512m, -XX:TieredStopAtLevel=1",
    "inspect a --hashes,                    -Xmx512m, -XX:FreqInlineSize=60",
    "'',                                    -Xmx512m, -XX:TieredStopAtLevel=1"
  })
  void theHeapAndTheCompilerFollowTheCommandLine(
      String arguments, String heap, String compiler, @TempDir Path folder)
      throws IOException, InterruptedException {
    Path home = folder.resolve("a home");
    Path bin = Files.createDirectories(home.resolve("bin"));
    Path java = Files.writeString(bin.resolve("java"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Path quant = Files.copy(Path.of("src/dist/bin/quant"), bin.resolve("quant"));
    assertThat(started(quant, home, arguments))
        .contains(heap, compiler)
        .doesNotContain("-Xlog:disable");
    Path archive =
        Files.createFile(Files.createDirectory(home.resolve("lib")).resolve("quant.jsa"));
    assertThat(started(quant, home, arguments))
        .contains(heap, compiler, "-XX:SharedArchiveFile=" + archive.toRealPath())
        .contains("-Dmonoquant.archive=" + archive.toRealPath());
  }

  /** The arguments that Java gets. */
  private static List<String> started(Path quant, Path home, String arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("sh", quant.toString()));
    command.addAll(List.of(arguments.split(" ", -1)));
    command.remove("");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", home.toString());
    builder.environment().remove("QUANT_OPTS");
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text.lines().toList();
  }
}
