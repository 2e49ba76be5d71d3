package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.ModelInput;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A real archive whose small products int8 makes slower: the layers that cost most are named. */
class SlowLayersTest {

  @TempDir private Path folder;

  private static Path model() throws URISyntaxException {
    return Path.of(SlowLayersTest.class.getResource("/torchscript/often.pt").toURI());
  }

  private Report quantize(ModelRuns runs, String mode) throws Exception {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDList ids = new NDList(manager.create(new long[][] {{1, 5, 9, 63}}));
      return Quantizer.create()
          .withModelRuns(runs)
          .withSamples(List.of(SampleInputs.of(ids)))
          .quantize(
              ModelInput.of(model()),
              QuantizationConfig.builder().option("small", "0").option("mode", mode).build(),
              folder.resolve("made.pt"),
              false);
    }
  }

  @ParameterizedTest
  @CsvSource({"false, dynamic-row", "false, dynamic", "true, dynamic-row-asymmetric"})
  void theLayersThatCostMostAreNamed(boolean child, String mode) throws Exception {
    ModelRuns runs = child ? ModelRuns.IN_CHILD : ModelRuns.IN_PROCESS;
    requireNamed(quantize(runs, mode).problems());
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(folder.resolve("made.pt"));
    }
    if (!mode.equals("dynamic")) {
      requireNamed(sideBySide(runs));
    }
  }

  /** What {@code quant bench} runs, on files that are there. */
  private List<Problem> sideBySide(ModelRuns runs) throws Exception {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDList ids = new NDList(manager.create(new long[][] {{1, 5, 9, 63}}));
      return Quantizer.create()
          .withModelRuns(runs)
          .withSamples(List.of(SampleInputs.of(ids)))
          .runSideBySide(List.of(model(), folder.resolve("made.pt")))
          .problems();
    }
  }

  private static void requireNamed(List<Problem> problems) {
    assertThat(problems)
        .filteredOn(p -> p.message().contains("times the speed of the original"))
        .singleElement()
        .satisfies(
            p -> {
              assertThat(p.severity()).isEqualTo(Problem.Severity.WARNING);
              assertThat(p.message())
                  .containsPattern(
                      "Measured one by one, its 4 layers take [0-9.]+ ms, [0-9.]+ ms with"
                          + " mode=dynamic, and [0-9.]+ ms with mode=weight-only, as in the"
                          + " original; most is lost by often.weight [0-9.]+ ms against [0-9.]+"
                          + " ms");
              assertThat(p.remedy())
                  .containsPattern(
                      "take --option mode=weight-only, with which its layers are [0-9.]+ times as"
                          + " fast");
            });
  }
}
