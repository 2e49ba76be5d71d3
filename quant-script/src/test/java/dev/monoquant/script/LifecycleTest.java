package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A rewritten model that is loaded, run and closed again and again takes no more memory than once.
 *
 * <p>What libtorch keeps is kept once: compiled graphs belong to the module and go with it; its
 * allocator, the caches of oneDNN's primitives and the arenas of threads grow until the same model
 * has been through them a few times, which the warm-up is for.
 *
 * <p>What this catches is a mebibyte a round that stays, which is what the codes of the weight
 * alone take. Tried with a direct buffer and with an array of the heap kept in each round: the
 * process grew by 127 to 180 mebibytes. A model that is not closed adds 14 a round, and its arrays
 * are counted too. What this does not catch is less than half a mebibyte a round: without a leak,
 * the process is up to 30 smaller or greater in the end, by what the allocator and the collector
 * happen to hold.
 */
class LifecycleTest {

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int SIDE = 1024;
  private static final int WARM_UP = 30;
  private static final int ROUNDS = 150;

  /** In kibibytes: half of what a mebibyte a round would add. */
  private static final long BOUND = ROUNDS * 1024 / 2;

  @TempDir private Path directory;

  private static ScriptArchive linear(Mode mode) {
    Build build = new Build(3);
    ScriptArchive archive =
        build.of(
            "torch.linear(x, weight, bias)", build.tensor(1, SIDE, SIDE), build.tensor(1, SIDE));
    return new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0)).rewrite();
  }

  /** Kibibytes of memory that the process has without garbage. */
  private static long resident() throws IOException {
    System.gc();
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }

  private void round() throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Torch model = Torch.load(directory)) {
      NDArray input = manager.ones(new Shape(2, SIDE));
      assertThat(model.run(input)).hasSize(2 * SIDE);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"WEIGHT_ONLY", "DYNAMIC_ROW"})
  void nothingStaysOfAClosedModel(Mode mode) throws Exception {
    assumeTrue(Files.exists(STATUS), "only Linux tells the memory of a process");
    linear(mode).write(directory.resolve("model.pt"));
    for (int i = 0; i < WARM_UP; i++) {
      round();
    }
    int arrays = LiveArrays.count();
    long before = resident();
    for (int i = 0; i < ROUNDS; i++) {
      round();
    }
    assertThat(LiveArrays.count()).isEqualTo(arrays);
    assertThat(resident() - before).as("kibibytes").isLessThan(BOUND);
  }
}
