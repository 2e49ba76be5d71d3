package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What needs no arrays loads no native library: the JVM's own log of the classes it loads names
 * nothing of an engine, and the folder where an engine unpacks its libraries stays empty.
 */
class LazyEngineIT {

  private static final String DIGITS = Distribution.DIGITS.toString();

  @TempDir private Path dir;

  private List<String> engineClasses(String... args) throws IOException {
    Path log = dir.resolve("classes.log");
    Path cache = Files.createDirectories(dir.resolve("cache"));
    Run run =
        new Distribution(dir)
            .with("QUANT_OPTS", "-Xlog:class+load:file=classes.log")
            .with("ENGINE_CACHE_DIR", cache.toString())
            .with("DJL_CACHE_DIR", cache.toString())
            .quant(args);
    assertThat(run.code()).as(run.err()).isZero();
    try (Stream<Path> unpacked = Files.list(cache)) {
      assertThat(unpacked).isEmpty();
    }
    try (Stream<String> lines = Files.lines(log)) {
      List<String> classes = lines.toList();
      assertThat(classes).anyMatch(line -> line.contains(" dev.monoquant.cli.Main "));
      return classes.stream()
          .filter(c -> c.contains(" ai.djl.engine.") || c.contains(" ai.djl.pytorch."))
          .toList();
    }
  }

  @Test
  void helpLoadsNoEngine() throws IOException {
    assertThat(engineClasses("--help")).isEmpty();
  }

  @Test
  void inspectLoadsNoEngine() throws IOException {
    assertThat(engineClasses("inspect", DIGITS)).isEmpty();
  }

  @Test
  void aDryRunLoadsNoEngine() throws IOException {
    assertThat(engineClasses("quantize", DIGITS, "-o", "x.safetensors", "--dry-run")).isEmpty();
  }

  @Test
  void quantizingOnTheJvmLoadsNoEngine() throws IOException {
    assertThat(engineClasses("quantize", DIGITS, "-o", "x.safetensors", "--compute", "jvm"))
        .isEmpty();
  }

  /** The doctor does start it, which shows that the log would tell. */
  @Test
  void theLogTellsOfAnEngine() throws IOException {
    Run run =
        new Distribution(dir)
            .with("QUANT_OPTS", "-Xlog:class+load:file=classes.log")
            .quant("doctor");
    assertThat(run.code()).as(run.err()).isZero();
    try (Stream<String> lines = Files.lines(dir.resolve("classes.log"))) {
      assertThat(lines)
          .anyMatch(c -> c.contains(" ai.djl.engine.Engine "))
          .anyMatch(c -> c.contains(" ai.djl.pytorch.jni."));
    }
  }
}
