package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Plan;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.Report;
import dev.monoquant.core.RunComparison;
import dev.monoquant.core.RunResult;
import dev.monoquant.core.WeightReport;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that refuse an output which is not good or not small enough. */
final class Gates {

  @Option(
      names = "--min-sqnr",
      paramLabel = "DB",
      description =
          "Gate: exit with 4 and write nothing if the SQNR of any weight, or that of the outputs"
              + " of a model that is run, is lower.")
  private @Nullable Double minSqnr;

  @Option(
      names = "--min-cosine",
      paramLabel = "C",
      description =
          "Gate: exit with 4 and write nothing if original and result run side by side and the"
              + " cosine between their outputs is lower. Default: 0.9.")
  private @Nullable Double minCosine;

  @Option(
      names = "--max-size-ratio",
      paramLabel = "R",
      description =
          "Gate: exit with 4 and write nothing if the tensors keep more than this part of their"
              + " bytes, such as 0.3.")
  private @Nullable Double maxSizeRatio;

  /** Refuses limits that nothing can meet or miss. */
  void check() {
    if (minSqnr != null && !Double.isFinite(minSqnr)) {
      throw new ConfigurationException(
          "--min-sqnr " + minSqnr + ": a number of decibels is needed. Example: --min-sqnr 30");
    }
    if (maxSizeRatio != null && !(maxSizeRatio > 0 && Double.isFinite(maxSizeRatio))) {
      throw new ConfigurationException(
          "--max-size-ratio "
              + maxSizeRatio
              + ": a number above 0 is needed. Example: --max-size-ratio 0.3");
    }
  }

  /** The quantizer that refuses outputs too far away. */
  Quantizer applyTo(Quantizer quantizer) {
    return minCosine == null ? quantizer : quantizer.withMinCosine(minCosine);
  }

  boolean needErrors() {
    return minSqnr != null;
  }

  /** Checks what a plan already tells. */
  void check(Plan plan) {
    double ratio = plan.bytesBefore() == 0 ? 1 : (double) plan.bytesAfter() / plan.bytesBefore();
    if (maxSizeRatio != null && ratio > maxSizeRatio) {
      throw new ValidationException(
          String.format(
              Locale.ROOT,
              "gate missed: the tensors keep %.4f of their bytes, and --max-size-ratio allows %.4f;"
                  + " nothing was written",
              ratio,
              maxSizeRatio));
    }
  }

  /** Checks what a run tells. */
  void check(Report report) {
    check(report.plan());
    if (minSqnr == null) {
      return;
    }
    double least = minSqnr;
    report.run().ifPresent(run -> checkOutputs(run, least));
    List<WeightReport> low =
        report.weights().stream()
            .filter(w -> !(w.errors().sqnrDb() >= least))
            .sorted(Comparator.comparingDouble(w -> w.errors().sqnrDb()))
            .toList();
    if (!low.isEmpty()) {
      throw new ValidationException(
          String.format(
              Locale.ROOT,
              "gate missed: %s has an SQNR of %.2f dB%s, and --min-sqnr asks for %.2f; nothing was"
                  + " written",
              low.get(0).name(),
              low.get(0).errors().sqnrDb(),
              low.size() == 1 ? "" : ", the lowest of " + low.size() + " too low ones",
              least));
    }
  }

  private static void checkOutputs(RunComparison run, double least) {
    for (RunResult model : run.others()) {
      if (!(model.outputs().sqnrDb() >= least)) {
        throw new ValidationException(
            String.format(
                Locale.ROOT,
                "gate missed: the outputs of %s have an SQNR of %.2f dB on %s, and --min-sqnr asks"
                    + " for %.2f; nothing was written",
                model.name(),
                model.outputs().sqnrDb(),
                run.inputs(),
                least));
      }
    }
  }
}
