package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that refuse an output whose error or size is too large. */
final class Gates {

  @Option(
      names = "--min-sqnr",
      paramLabel = "DB",
      description =
          "Gate: exit with 4 and write nothing if the SQNR of any weight, or of the outputs of a"
              + " model that is run, is lower. Default: 6 for outputs of a model that is run.")
  private @Nullable Double minSqnr;

  @Option(
      names = "--min-cosine",
      paramLabel = "C",
      description =
          "Gate for TorchScript outputs: exit with 4 and write nothing if the cosine between the"
              + " outputs of original and result is lower. Default: 0.9.")
  private @Nullable Double minCosine;

  @Option(
      names = "--min-weight-cosine",
      paramLabel = "C",
      description =
          "Gate: exit with 4 and write nothing if the cosine between any weight and what its codes"
              + " decode to is lower.")
  private @Nullable Double minWeightCosine;

  @Option(
      names = "--min-output-sqnr",
      paramLabel = "DB",
      description =
          "Gate: exit with 4 and write nothing if the SQNR of the outputs of any layer, for the"
              + " inputs of --calibration (Gram matrices), is lower. The one for GPTQ, whose weights"
              + " are farther off than those rounded to nearest, and whose outputs are nearer.")
  private @Nullable Double minOutputSqnr;

  @Option(
      names = "--min-speedup",
      paramLabel = "S",
      description =
          "Gate for TorchScript outputs: exit with 4 and write nothing if the result runs at less"
              + " than S times the speed of the original, such as 1.5.")
  private @Nullable Double minSpeedup;

  @Option(
      names = "--max-size-ratio",
      paramLabel = "R",
      description =
          "Gate: exit with 4 and write nothing if the ratio of the bytes of all files of the output"
              + " to those of the model (its tensors, and the files beside them that are kept) is"
              + " larger, such as 0.3.")
  private @Nullable Double maxSizeRatio;

  /** The quantizer with these gates. */
  Quantizer applyTo(Quantizer quantizer) {
    Quantizer gated = quantizer;
    if (minSqnr != null) {
      gated = gated.withMinSqnr(minSqnr);
    }
    if (minCosine != null) {
      gated = gated.withMinCosine(minCosine);
    }
    if (minWeightCosine != null) {
      gated = gated.withMinWeightCosine(minWeightCosine);
    }
    if (minOutputSqnr != null) {
      gated = gated.withMinOutputSqnr(minOutputSqnr);
    }
    if (minSpeedup != null) {
      gated = gated.withMinSpeedup(minSpeedup);
    }
    return maxSizeRatio == null ? gated : gated.withMaxSizeRatio(maxSizeRatio);
  }

  boolean needErrors() {
    return minSqnr != null || minWeightCosine != null || minOutputSqnr != null;
  }
}
