package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that refuse an output which is not good or not small enough. */
final class Gates {

  @Option(
      names = "--min-sqnr",
      paramLabel = "DB",
      description =
          "Gate: exit with 4 and write nothing if the SQNR of any weight, or that of the outputs"
              + " of a model that is run, is lower. Default: 6 for outputs of a model that is run.")
  private @Nullable Double minSqnr;

  @Option(
      names = "--min-cosine",
      paramLabel = "C",
      description =
          "Gate of TorchScript outputs: exit with 4 and write nothing if original and result run"
              + " side by side and the cosine between their outputs is lower. Default: 0.9.")
  private @Nullable Double minCosine;

  @Option(
      names = "--min-weight-cosine",
      paramLabel = "C",
      description =
          "Gate: exit with 4 and write nothing if the cosine between any weight and what its codes"
              + " decode to is lower.")
  private @Nullable Double minWeightCosine;

  @Option(
      names = "--max-size-ratio",
      paramLabel = "R",
      description =
          "Gate: exit with 4 and write nothing if the tensors keep more than this part of their"
              + " bytes, such as 0.3.")
  private @Nullable Double maxSizeRatio;

  /** The quantizer that refuses such outputs. */
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
    return maxSizeRatio == null ? gated : gated.withMaxSizeRatio(maxSizeRatio);
  }

  boolean needErrors() {
    return minSqnr != null || minWeightCosine != null;
  }
}
