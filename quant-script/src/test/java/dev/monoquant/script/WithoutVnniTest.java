package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue.None;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * On a processor with VNNI, a second process does without: two products are added in 16 bits there,
 * and the results must be exact all the same. All other tests run so with the same variables.
 */
class WithoutVnniTest {

  private static final Map<String, String> WITHOUT =
      Map.of(
          "FBGEMM_ENABLE_INSTRUCTIONS",
          "AVX2",
          "ONEDNN_MAX_CPU_ISA",
          "AVX2",
          "ATEN_CPU_CAPABILITY",
          "avx2");

  private static final int CASES = 8;

  @TempDir private Path folder;

  private static boolean hasVnni() throws IOException {
    Path processors = Path.of("/proc/cpuinfo");
    return Files.isReadable(processors) && Files.readString(processors).contains("vnni");
  }

  @Test
  void sumsAreExactThereToo() throws Exception {
    assumeTrue(hasVnni(), "without VNNI, this process is what the second one would be");
    Path log = folder.resolve("log");
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp",
            System.getProperty("java.class.path"),
            Cases.class.getName());
    builder.environment().putAll(WITHOUT);
    Process child = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = child.waitFor(5, TimeUnit.MINUTES);
    child.destroyForcibly();
    String said = Files.readString(log, StandardCharsets.UTF_8);
    assertThat(ended).as(said).isTrue();
    assertThat(child.exitValue()).as(said).isZero();
    assertThat(said).contains("exact: " + CASES);
  }

  /** What the second process does. */
  static final class Cases {

    private Cases() {}

    /** Ends with an exception if a case is not exact, or nothing saturates. */
    public static void main(String[] args) throws Exception {
      assertThat(greatestSum()).as("what kernels alone make of 64 times 127").isLessThan(8000);
      SaturationTest exact = new SaturationTest();
      for (int seed = 0; seed < CASES; seed++) {
        exact.productsAreExact(seed);
        exact.convolutionsAreExact(seed);
      }
      System.out.println("exact: " + CASES);
    }

    /** Of a model that has been kept from finding out that the processor saturates. */
    private static float greatestSum() throws Exception {
      float[] weight = new float[16 * 64];
      Arrays.fill(weight, 127);
      Build build = new Build(1);
      ScriptArchive archive =
          build.of("torch.linear(x, weight, None)", build.tensor(weight, 16, 64), None.INSTANCE);
      ScriptArchive rewritten =
          new Quantized(archive)
              .addAll(PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, 0))
              .rewrite();
      String path = "__torch__/monoquant.py";
      String library = rewritten.program().code().get(path);
      assertThat(library).contains("< 2072576.");
      try (NDManager manager = NDManager.newBaseManager("PyTorch");
          Torch torch =
              Torch.load(rewritten.withCode(path, library.replace("< 2072576.", "< 0.")))) {
        float[] sums = torch.run(manager.ones(new Shape(1, 64)));
        Arrays.sort(sums);
        return sums[sums.length - 1];
      }
    }
  }
}
