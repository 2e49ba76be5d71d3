package dev.monoquant.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs the packaged application as its users do: its launcher, in a process of its own. */
final class Distribution {

  /** Maven runs tests in the directory of the module. */
  static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  static final Path HOME = ROOT.resolve("quant-cli/target/quant");
  static final Path DIGITS = ROOT.resolve("examples/models/digits-cnn.safetensors");
  static final Path DIGITS_SCRIPT = ROOT.resolve("examples/models/digits-cnn.pt");

  private static final long MAX_SECONDS = 120;

  private final Path folder;
  private final Map<String, String> environment = new HashMap<>();

  /** What a run has given. */
  record Run(int code, String out, String err) {
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  /**
   * @param folder where the commands run
   */
  Distribution(Path folder) {
    this.folder = folder;
  }

  Distribution with(String variable, String value) {
    Distribution changed = new Distribution(folder);
    changed.environment.putAll(environment);
    changed.environment.put(variable, value);
    return changed;
  }

  static Path launcher() {
    boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
    return HOME.resolve("bin").resolve(windows ? "quant.bat" : "quant");
  }

  Run quant(String... args) {
    List<String> command = new ArrayList<>();
    command.add(launcher().toString());
    command.addAll(Arrays.asList(args));
    return run(command);
  }

  Run run(List<String> command) {
    try {
      // Files, not pipes: nobody has to empty them.
      Path out = Files.createTempFile("quant-out", ".txt");
      Path err = Files.createTempFile("quant-err", ".txt");
      try {
        Process process = start(command, out, err);
        if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new AssertionError(command + " still runs; so far: " + Files.readString(err));
        }
        return new Run(process.exitValue(), Files.readString(out), Files.readString(err));
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  Process start(List<String> command, Path out, Path err) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(ProcessBuilder.Redirect.PIPE)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().remove("JAVA_TOOL_OPTIONS");
    builder.environment().remove("GITHUB_ACTIONS");
    builder.environment().remove("GITHUB_STEP_SUMMARY");
    // Runs of a second gain nothing from the slow compiler, and there are many of them.
    builder.environment().put("QUANT_OPTS", "-XX:TieredStopAtLevel=1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    return builder.start();
  }
}
