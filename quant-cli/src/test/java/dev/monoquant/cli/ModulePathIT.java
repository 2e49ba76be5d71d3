package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The application as modules. All jars of the distribution are on the module path but the one that
 * holds libtorch: the module name it claims is no name ({@code
 * ai.djl.pytorch_native_cpu_linux-x86_64}), so it stands on the class path, where DJL finds it as
 * well since it holds nothing but resources.
 */
class ModulePathIT {

  @TempDir private Path dir;

  private Run run(String... args) throws IOException {
    try (Stream<Path> lib = Files.list(Distribution.HOME.resolve("lib"))) {
      var jars =
          lib.map(Path::toString)
              .sorted()
              .collect(Collectors.partitioningBy(j -> j.contains("pytorch-native-")));
      List<String> command =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Dai.djl.offline=true",
                  "-Dai.djl.pytorch.num_threads=1",
                  "-p",
                  String.join(File.pathSeparator, jars.get(false)),
                  "-cp",
                  String.join(File.pathSeparator, jars.get(true)),
                  "-m",
                  "dev.monoquant.cli/dev.monoquant.cli.Main"));
      command.addAll(Arrays.asList(args));
      return new Distribution(dir).with("OPT_OUT_TRACKING", "true").run(command);
    }
  }

  @Test
  void givesWhatTheClassPathGives() throws IOException {
    String digits = Distribution.DIGITS.toString();
    Run modules = run("quantize", digits, "-o", "modules.safetensors");
    assertThat(modules.code()).as(modules.err()).isZero();
    Run classes = new Distribution(dir).quant("quantize", digits, "-o", "classes.safetensors");
    assertThat(modules.out()).isEqualTo(classes.out());
    assertThat(dir.resolve("modules.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("classes.safetensors"));
    assertThat(run("plugins").out()).isEqualTo(new Distribution(dir).quant("plugins").out());
    assertThat(run("--version").out()).isEqualTo(new Distribution(dir).quant("--version").out());
  }

  /** The child has the modules of its parent. */
  @Test
  void runsModelsInAChild() throws IOException {
    String script = Path.of("src/test/resources/digits/cnn.traced.pt").toAbsolutePath().toString();
    Run made = run("quantize", script, "-o", "modules.pt", "--option", "small=0");
    assertThat(made.code()).as(made.err()).isZero();
    assertThat(made.out()).contains("run on made-up numbers");
    Run bench = run("bench", script, "modules.pt", "--rounds", "1");
    assertThat(bench.code()).as(bench.err()).isZero();
  }

  @Test
  void startsTheEngine() throws IOException {
    Run doctor = run("doctor");
    assertThat(doctor.code()).as(doctor.out() + doctor.err()).isZero();
  }
}
