package dev.monoquant.core;

import dev.monoquant.Problem;
import java.util.List;
import java.util.Optional;

/**
 * What a run did, weight by weight and in total.
 *
 * @param plan what was to be done
 * @param weights what became of each weight, in model order
 * @param problems what the user should know, the plan's included; an error if the output was
 *     refused where it was run beside the original
 * @param run original and result side by side; empty if the output is none that is run
 * @param gates the limits that were given, and what was measured
 */
public record Report(
    Plan plan,
    List<WeightReport> weights,
    List<Problem> problems,
    Optional<RunComparison> run,
    List<GateResult> gates) {

  /** The version of the JSON form; grows when a field changes its meaning or goes away. */
  public static final int SCHEMA_VERSION = 1;

  /** Copies the lists. */
  public Report {
    weights = List.copyOf(weights);
    problems = List.copyOf(problems);
    gates = List.copyOf(gates);
  }

  /**
   * A report of a run whose output is none that is run itself.
   *
   * @param plan what was to be done
   * @param weights what became of each weight
   * @param problems what the user should know
   */
  public Report(Plan plan, List<WeightReport> weights, List<Problem> problems) {
    this(plan, weights, problems, Optional.empty(), List.of());
  }

  Report with(List<Problem> all, Optional<RunComparison> comparison) {
    return new Report(plan, weights, all, comparison, gates);
  }

  Report withGates(List<GateResult> results) {
    return new Report(plan, weights, problems, run, results);
  }

  /**
   * {@return whether the output may be put in place: all gates are passed, and nothing was found
   * where it was run beside the original}
   */
  public boolean accepted() {
    return gates.stream().allMatch(GateResult::passed)
        && problems.stream().noneMatch(p -> p.severity() == Problem.Severity.ERROR);
  }

  /** {@return the errors over all quantized weights} */
  public ErrorStatistics total() {
    return weights.stream()
        .map(WeightReport::errors)
        .reduce(ErrorStatistics.EMPTY, ErrorStatistics::plus);
  }

  /** {@return bytes of all tensors before divided by those after; 1 for a model without bytes} */
  public double compressionRatio() {
    return plan.bytesAfter() == 0 ? 1 : (double) plan.bytesBefore() / plan.bytesAfter();
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return ReportTable.of(this);
  }

  /**
   * {@return the report as one JSON object, keys in a fixed order, with {@code "schema": 1};
   * numbers that are not finite are {@code null}}
   */
  public String toJson() {
    return ReportJson.of(this);
  }
}
