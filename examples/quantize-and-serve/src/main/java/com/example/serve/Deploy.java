package com.example.serve;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;

/** What runs once, in CI: makes the small model, or fails and leaves nothing. */
public final class Deploy {

  /** Decibels: int8 gives some 40, and a layer far below that is not fit for it. */
  private static final double LEAST_SQNR = 30;

  private Deploy() {}

  /**
   * Quantizes the weights of a model to int8.
   *
   * @param original a trained model; only read
   * @param target the file to make
   * @return what was done
   */
  public static Report run(Path original, Path target) {
    QuantizationConfig config = QuantizationConfig.builder().scheme("int8").build();
    return Quantizer.create()
        .quantize(ModelInput.of(original), config, target, false, Deploy::requireQuality);
  }

  /** Sees the report before the file gets its name; what it throws leaves no file. */
  private static void requireQuality(Report report) {
    for (WeightReport weight : report.weights()) {
      ErrorStatistics errors = weight.errors();
      if (errors.sqnrDb() < LEAST_SQNR) {
        throw new IllegalStateException(
            weight.name() + " has only " + errors.sqnrDb() + " dB; keep it as it is");
      }
    }
  }
}
