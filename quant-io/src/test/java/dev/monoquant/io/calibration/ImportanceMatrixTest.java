package dev.monoquant.io.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ImportanceMatrixTest {

  @Test
  void theSumsOfAllExpertsAreReadOnce() {
    AtomicInteger reads = new AtomicInteger();
    ImportanceMatrix.Layer layer =
        new ImportanceMatrix.Layer(
            2,
            () -> {
              reads.incrementAndGet();
              return new ImportanceMatrix.Sums(new float[] {2, 4, 9, 12}, new float[] {2, 3});
            });
    try (ImportanceMatrix matrix =
        new ImportanceMatrix(
            Path.of("imatrix.gguf"), Map.of("blk.0.ffn_up_exps", layer), () -> {})) {
      assertThat(matrix.find("blk.0.ffn_up_exps.0").orElseThrow().meanSquares())
          .hasValue(new float[] {1, 2});
      assertThat(matrix.find("blk.0.ffn_up_exps.1").orElseThrow().meanSquares())
          .hasValue(new float[] {3, 4});
    }
    assertThat(reads).hasValue(1);
  }

  /** What divides the statistics of one expert must not divide those of the next. */
  @Test
  void expertsHaveNamesOfTheirOwn() {
    ImportanceMatrix.Sums sums = new ImportanceMatrix.Sums(new float[] {2, 4}, new float[] {1, 1});
    try (ImportanceMatrix matrix =
        new ImportanceMatrix(
            Path.of("imatrix.gguf"),
            Map.of("blk.0.ffn_down_exps", new ImportanceMatrix.Layer(2, () -> sums)),
            () -> {})) {
      String expert = "model.layers.0.mlp.experts.1.down_proj";
      assertThat(matrix.find(expert).orElseThrow().layer()).isEqualTo("blk.0.ffn_down_exps.1");
      assertThat(matrix.find("blk.0.ffn_down_exps.0").orElseThrow().layer())
          .isEqualTo("blk.0.ffn_down_exps.0");
      assertThat(matrix.layers())
          .containsExactlyInAnyOrder("blk.0.ffn_down_exps.0", "blk.0.ffn_down_exps.1");
      assertThat(matrix.find("blk.0.ffn_down_exps")).isEmpty();
    }
  }
}
