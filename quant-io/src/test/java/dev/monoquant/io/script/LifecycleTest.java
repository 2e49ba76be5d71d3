package dev.monoquant.io.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A rewritten model that is loaded, run and closed again and again takes no more memory than once.
 *
 * <p>What libtorch keeps is kept once: compiled graphs belong to the module and go with it; its
 * allocator, the caches of oneDNN's primitives and the arenas of threads grow until the same model
 * has been through them a few times, which the warm-up is for. A model that leaked would add at
 * least the codes of its weight, one mebibyte a round.
 */
class LifecycleTest {

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int SIDE = 1024;
  private static final int WARM_UP = 30;
  private static final int ROUNDS = 100;

  /** In kibibytes: half of what the least leak would add. */
  private static final long BOUND = ROUNDS * 1024 / 2;

  private static ScriptArchive linear(Mode mode) {
    Build build = new Build(3);
    ScriptArchive archive =
        build.of(
            "torch.linear(x, weight, bias)", build.tensor(1, SIDE, SIDE), build.tensor(1, SIDE));
    return new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0)).rewrite();
  }

  /** Kibibytes of memory that the process has. */
  private static long resident() throws IOException {
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }

  private static void round(ScriptArchive archive) throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Torch model = Torch.load(archive)) {
      NDArray input = manager.ones(new Shape(2, SIDE));
      assertThat(model.run(input)).hasSize(2 * SIDE);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"WEIGHT_ONLY", "DYNAMIC_ROW"})
  void nothingStaysOfAClosedModel(Mode mode) throws Exception {
    assumeTrue(Files.exists(STATUS), "only Linux tells the memory of a process");
    ScriptArchive archive = linear(mode);
    for (int i = 0; i < WARM_UP; i++) {
      round(archive);
    }
    int arrays = LiveArrays.count();
    long before = resident();
    for (int i = 0; i < ROUNDS; i++) {
      round(archive);
    }
    assertThat(LiveArrays.count()).isEqualTo(arrays);
    assertThat(resident() - before).as("kibibytes").isLessThan(BOUND);
  }
}
