package dev.monoquant.core;

import dev.monoquant.Problem;
import java.util.List;
import java.util.Optional;

/**
 * What a run did, weight by weight and in total.
 *
 * @param plan what was to be done
 * @param weights what became of each weight, in model order
 * @param warnings what the user should know, the plan's warnings included
 * @param run original and result side by side; empty if the output is none that is run
 */
public record Report(
    Plan plan, List<WeightReport> weights, List<Problem> warnings, Optional<RunComparison> run) {

  /** The version of the JSON form; grows when a field changes its meaning or goes away. */
  public static final int SCHEMA_VERSION = 1;

  /** Copies the lists. */
  public Report {
    weights = List.copyOf(weights);
    warnings = List.copyOf(warnings);
  }

  /**
   * A report of a run whose output is none that is run itself.
   *
   * @param plan what was to be done
   * @param weights what became of each weight
   * @param warnings what the user should know
   */
  public Report(Plan plan, List<WeightReport> weights, List<Problem> warnings) {
    this(plan, weights, warnings, Optional.empty());
  }

  Report withRun(RunComparison comparison) {
    return new Report(plan, weights, warnings, Optional.of(comparison));
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
