package dev.monoquant.core.settings;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * The limits that an output must meet to be written.
 *
 * @param minSqnr the least SQNR in decibels of any weight, and of the outputs of a model that runs
 * @param minCosine the least cosine between the outputs of original and result
 * @param minWeightCosine the least cosine between any weight and its decoded codes
 * @param minOutputSqnr the least SQNR in decibels of the outputs of any layer whose inputs are
 *     known
 * @param minSpeedup the least speed-up of a result over the original
 * @param maxSizeRatio the greatest ratio of the bytes of all files of the output to those of the
 *     model: its tensors, and the other files that the output also contains
 */
public record Gates(
    OptionalDouble minSqnr,
    OptionalDouble minCosine,
    OptionalDouble minWeightCosine,
    OptionalDouble minOutputSqnr,
    OptionalDouble minSpeedup,
    OptionalDouble maxSizeRatio) {

  public static final Gates NONE =
      new Gates(
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty());

  /** Outputs of a run with a lower cosine than this mean a broken model. */
  static final double DEFAULT_MIN_COSINE = 0.9;

  /**
   * Outputs that differ from those of the original by more than half their magnitude mean a broken
   * model, whatever their cosine, which ignores scale. A cosine of 0.9 corresponds to 6.3 dB.
   */
  static final double DEFAULT_MIN_SQNR = 6;

  public Gates {
    if (minSqnr.isPresent() && !Double.isFinite(minSqnr.getAsDouble())) {
      throw new ConfigurationException(
          "--min-sqnr "
              + minSqnr.getAsDouble()
              + ": a number of decibels is needed. Example: --min-sqnr 30");
    }
    if (minOutputSqnr.isPresent() && !Double.isFinite(minOutputSqnr.getAsDouble())) {
      throw new ConfigurationException(
          "--min-output-sqnr "
              + minOutputSqnr.getAsDouble()
              + ": a number of decibels is needed. Example: --min-output-sqnr 20");
    }
    requireCosine("--min-cosine", minCosine);
    requireCosine("--min-weight-cosine", minWeightCosine);
    double speedup = minSpeedup.orElse(1);
    if (!(speedup > 0 && Double.isFinite(speedup))) {
      throw new ConfigurationException(
          "--min-speedup " + speedup + ": a number above 0 is needed. Example: --min-speedup 1.5");
    }
    double ratio = maxSizeRatio.orElse(1);
    if (!(ratio > 0 && Double.isFinite(ratio))) {
      throw new ConfigurationException(
          "--max-size-ratio "
              + ratio
              + ": a number above 0 is needed. Example: --max-size-ratio 0.3");
    }
  }

  private static void requireCosine(String option, OptionalDouble given) {
    double cosine = given.orElse(0);
    if (!(cosine >= -1 && cosine <= 1)) {
      throw new ConfigurationException(
          option + " " + cosine + ": -1 to 1 are allowed. Example: " + option + " 0.99");
    }
  }

  public Gates withMinSqnr(double decibels) {
    return new Gates(
        OptionalDouble.of(decibels),
        minCosine,
        minWeightCosine,
        minOutputSqnr,
        minSpeedup,
        maxSizeRatio);
  }

  public Gates withMinCosine(double cosine) {
    return new Gates(
        minSqnr,
        OptionalDouble.of(cosine),
        minWeightCosine,
        minOutputSqnr,
        minSpeedup,
        maxSizeRatio);
  }

  public Gates withMinWeightCosine(double cosine) {
    return new Gates(
        minSqnr, minCosine, OptionalDouble.of(cosine), minOutputSqnr, minSpeedup, maxSizeRatio);
  }

  public Gates withMinOutputSqnr(double decibels) {
    return new Gates(
        minSqnr, minCosine, minWeightCosine, OptionalDouble.of(decibels), minSpeedup, maxSizeRatio);
  }

  public Gates withMinSpeedup(double speedup) {
    return new Gates(
        minSqnr,
        minCosine,
        minWeightCosine,
        minOutputSqnr,
        OptionalDouble.of(speedup),
        maxSizeRatio);
  }

  public Gates withMaxSizeRatio(double ratio) {
    return new Gates(
        minSqnr, minCosine, minWeightCosine, minOutputSqnr, minSpeedup, OptionalDouble.of(ratio));
  }

  /** These gates without those that need a run of the model. */
  public Gates withoutRun() {
    return new Gates(
        minSqnr,
        OptionalDouble.empty(),
        minWeightCosine,
        minOutputSqnr,
        OptionalDouble.empty(),
        maxSizeRatio);
  }

  /** Checks the limits that a plan can be checked against. */
  public List<GateResult> check(Plan plan) {
    if (maxSizeRatio.isEmpty()) {
      return List.of();
    }
    double limit = maxSizeRatio.getAsDouble();
    long before = plan.wholeBytesBefore();
    double ratio = before == 0 ? 1 : (double) plan.wholeBytesAfter() / before;
    boolean passed = ratio <= limit;
    String detail =
        "the output has "
            + Text.number(ratio, limit, 4)
            + " of the bytes of the model ("
            + Text.bytes(before)
            + " -> "
            + Text.bytes(plan.wholeBytesAfter())
            + ", files beside the tensors included)";
    return List.of(new GateResult(GateResult.MAX_SIZE_RATIO, limit, ratio, passed, false, detail));
  }

  /** Checks the limits that need quantized weights, but no run of the model. */
  public List<GateResult> check(Report report) {
    List<GateResult> results = new ArrayList<>(check(report.plan()));
    sqnr(report.weights(), report.run()).ifPresent(results::add);
    weightCosine(report.weights()).ifPresent(results::add);
    outputSqnr(report.weights()).ifPresent(results::add);
    return results;
  }

  /** Checks the limits on the side-by-side run of original and result. */
  public List<GateResult> checkRun(Report report) {
    List<GateResult> results = new ArrayList<>(check(report));
    cosine(report.run()).ifPresent(results::add);
    speedup(report.run()).ifPresent(results::add);
    return results;
  }

  /** The same without a report, for weights that were quantized earlier. */
  public List<GateResult> checkRun(Optional<RunComparison> run) {
    List<GateResult> results = new ArrayList<>();
    if (run.isPresent()) {
      sqnr(List.of(), run).ifPresent(results::add);
    }
    cosine(run).ifPresent(results::add);
    speedup(run).ifPresent(results::add);
    return results;
  }

  private record Measured(double value, String of) {}

  /** The worst first; NaN is worse than any number. */
  private static final Comparator<Measured> WORST =
      Comparator.comparingDouble(
          m -> Double.isNaN(m.value()) ? Double.NEGATIVE_INFINITY : m.value());

  private Optional<GateResult> sqnr(List<WeightReport> weights, Optional<RunComparison> run) {
    if (minSqnr.isEmpty()) {
      return run.flatMap(Gates::scale);
    }
    double limit = minSqnr.getAsDouble();
    List<Measured> all = new ArrayList<>();
    for (WeightReport weight : weights) {
      all.add(new Measured(weight.errors().sqnrDb(), Text.name(weight.name()) + " has"));
    }
    for (RunResult model : run.map(RunComparison::others).orElse(List.of())) {
      all.add(new Measured(model.outputs().sqnrDb(), "the outputs of " + model.name() + " have"));
    }
    Optional<Measured> worst = all.stream().min(WORST);
    if (worst.isEmpty()) {
      String detail = "nothing was quantized that could have an error";
      return Optional.of(
          new GateResult(GateResult.MIN_SQNR, limit, Double.NaN, true, true, detail));
    }
    double value = worst.get().value();
    String detail = worst.get().of() + " an SQNR of " + Text.number(value, limit, 2) + " dB";
    return Optional.of(
        new GateResult(GateResult.MIN_SQNR, limit, value, value >= limit, true, detail));
  }

  private Optional<GateResult> weightCosine(List<WeightReport> weights) {
    if (minWeightCosine.isEmpty()) {
      return Optional.empty();
    }
    String gate = GateResult.MIN_WEIGHT_COSINE;
    double limit = minWeightCosine.getAsDouble();
    Optional<Measured> worst =
        weights.stream()
            .map(w -> new Measured(w.errors().cosine(), Text.name(w.name()) + " has"))
            .min(WORST);
    if (worst.isEmpty()) {
      String detail = "nothing was quantized that could have an error";
      return Optional.of(new GateResult(gate, limit, Double.NaN, true, true, detail));
    }
    double value = worst.get().value();
    String detail = worst.get().of() + " a cosine of " + Text.number(value, limit, 6);
    return Optional.of(new GateResult(gate, limit, value, value >= limit, true, detail));
  }

  private Optional<GateResult> outputSqnr(List<WeightReport> weights) {
    if (minOutputSqnr.isEmpty()) {
      return Optional.empty();
    }
    String gate = GateResult.MIN_OUTPUT_SQNR;
    double limit = minOutputSqnr.getAsDouble();
    Optional<Measured> worst =
        weights.stream()
            .filter(w -> w.outputSqnrDb().isPresent())
            .map(
                w ->
                    new Measured(
                        w.outputSqnrDb().getAsDouble(),
                        "the outputs by " + Text.name(w.name()) + " have"))
            .min(WORST);
    if (worst.isEmpty()) {
      String detail =
          "no outputs of layers were measured, for want of Gram matrices (--calibration)";
      return Optional.of(new GateResult(gate, limit, Double.NaN, weights.isEmpty(), false, detail));
    }
    double value = worst.get().value();
    String detail = worst.get().of() + " an SQNR of " + Text.number(value, limit, 2) + " dB";
    return Optional.of(new GateResult(gate, limit, value, value >= limit, false, detail));
  }

  /** The default limit for outputs if none is set; it does not apply to classes. */
  private static Optional<GateResult> scale(RunComparison run) {
    return run.others().stream()
        .filter(model -> model.floats().elements() > 0)
        .map(
            model ->
                new Measured(model.floats().sqnrDb(), "the outputs of " + model.name() + " have"))
        .min(WORST)
        .map(
            worst -> {
              double limit = DEFAULT_MIN_SQNR;
              String detail =
                  worst.of()
                      + " an SQNR of "
                      + Text.number(worst.value(), limit, 2)
                      + " dB on "
                      + run.inputs();
              return new GateResult(
                  GateResult.MIN_SQNR, limit, worst.value(), worst.value() >= limit, false, detail);
            });
  }

  private Optional<GateResult> cosine(Optional<RunComparison> run) {
    if (minCosine.isEmpty() && run.isEmpty()) {
      return Optional.empty();
    }
    double limit = minCosine.orElse(DEFAULT_MIN_COSINE);
    if (run.isEmpty()) {
      String detail = "the outputs of original and result were not compared";
      return Optional.of(
          new GateResult(GateResult.MIN_COSINE, limit, Double.NaN, false, false, detail));
    }
    String reference = run.get().reference().name();
    List<Measured> all = new ArrayList<>();
    for (RunResult model : run.get().others()) {
      if (model.outputs().elements() > 0) {
        String of = model.name() + ": the cosine between its outputs and those of " + reference;
        all.add(new Measured(model.outputs().cosine(), of));
      }
    }
    Optional<Measured> worst = all.stream().min(WORST);
    if (worst.isEmpty()) {
      String detail = "the models have no outputs to compare";
      return Optional.of(
          new GateResult(GateResult.MIN_COSINE, limit, Double.NaN, true, false, detail));
    }
    double value = worst.get().value();
    String detail =
        worst.get().of() + " is " + Text.number(value, limit, 6) + " on " + run.get().inputs();
    return Optional.of(
        new GateResult(GateResult.MIN_COSINE, limit, value, value >= limit, false, detail));
  }

  private Optional<GateResult> speedup(Optional<RunComparison> run) {
    if (minSpeedup.isEmpty()) {
      return Optional.empty();
    }
    String gate = GateResult.MIN_SPEEDUP;
    double limit = minSpeedup.getAsDouble();
    Optional<Measured> worst =
        run.flatMap(
            r ->
                r.others().stream()
                    .map(m -> new Measured(r.speedup(m), Text.name(m.name()) + " runs"))
                    .min(WORST));
    if (worst.isEmpty()) {
      String detail = "the speed of original and result was not compared";
      return Optional.of(new GateResult(gate, limit, Double.NaN, false, false, detail));
    }
    double value = worst.get().value();
    String detail =
        worst.get().of()
            + " at "
            + Text.number(value, limit, 2)
            + " times the speed of the original on "
            + run.orElseThrow().inputs();
    return Optional.of(new GateResult(gate, limit, value, value >= limit, false, detail));
  }

  /**
   * Refuses an output that misses a limit.
   *
   * @throws ValidationException naming every limit that is missed
   */
  public static void require(List<GateResult> results) {
    List<GateResult> missed = results.stream().filter(r -> !r.passed()).toList();
    if (!missed.isEmpty()) {
      throw new ValidationException(
          (missed.size() == 1 ? "gate missed: " : missed.size() + " gates missed: ")
              + said(missed)
              + "; nothing was written. Try more bits or smaller groups, or exclude layers");
    }
  }

  public static String said(List<GateResult> results) {
    return results.stream().map(Gates::said).collect(Collectors.joining("; "));
  }

  private static String said(GateResult result) {
    return result.detail()
        + ", and --"
        + result.name()
        + (result.name().equals(GateResult.MAX_SIZE_RATIO) ? " allows " : " asks for ")
        + result.limitText();
  }
}
