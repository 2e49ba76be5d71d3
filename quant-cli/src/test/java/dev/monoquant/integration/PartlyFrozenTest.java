package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.spi.ModelInput;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Freezing makes constants of what it can fold and leaves parameters that something else may use,
 * as it does with the attention of {@code nn.TransformerEncoder}: here {@code fc} and {@code mid}.
 */
class PartlyFrozenTest {

  @Test
  void constantsAreQuantizedBesideParameters(@TempDir Path folder) throws Exception {
    Path model = folder.resolve("model.pt");
    try (InputStream in = getClass().getResourceAsStream("/torchscript/partly-frozen.pt")) {
      Files.copy(in, model);
    }
    QuantizationConfig config = QuantizationConfig.builder().format("torchscript").build();
    Report report =
        Quantizer.create().quantize(ModelInput.of(model), config, folder.resolve("out.pt"), false);
    assertThat(report.weights())
        .extracting(WeightReport::name)
        .containsExactly("mid.weight", "CONSTANTS.c0");
    assertThat(report.problems()).isEmpty();
    assertThat(report.run().orElseThrow().others().get(0).outputs().cosine())
        .isGreaterThan(0.999)
        .isLessThan(1);
  }
}
