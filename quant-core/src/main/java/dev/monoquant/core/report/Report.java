package dev.monoquant.core.report;

import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import java.time.Duration;
import java.util.Comparator;
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

  /**
   * {@return the same with what became known later}
   *
   * @param all what the user should know, now
   * @param comparison original and result side by side; empty if they did not run
   */
  public Report with(List<Problem> all, Optional<RunComparison> comparison) {
    return new Report(plan, weights, all, comparison, gates);
  }

  /**
   * {@return the same with what the gates say}
   *
   * @param results the limits that were given, and what was measured
   */
  public Report withGates(List<GateResult> results) {
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
    return plan.compressionRatio();
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    StringBuilder out = new StringBuilder();
    plan.appendHead(out);
    appendWeights(out);
    plan.appendTotals(out);
    if (!weights.isEmpty()) {
      ErrorStatistics total = total();
      out.append(
          Text.format(
              "error of all quantized weights: SQNR %s dB, cosine %s, max error %s\n",
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    run.ifPresent(
        comparison -> {
          out.append('\n');
          comparison.appendTo(out);
        });
    appendGates(out);
    Text.problems(problems, out);
    return out.toString();
  }

  /**
   * {@return the same as one JSON object, keys in a fixed order; numbers that are not finite are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "report",
   *   "input": "model.safetensors",      // as the user named it
   *   "input_format": "safetensors",
   *   "output_format": "compressed-tensors",  // empty if none was asked for
   *   "output_bytes": 1234,              // of all tensor files, with headers; null if not known
   *   "bytes_before": 4000,              // of all tensors
   *   "bytes_after": 1200,
   *   "compression_ratio": 3.33,         // before by after, 1 for a model without bytes
   *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
   *   "weights": [{
   *     "name": "fc.weight", "type": "F32", "shape": [10, 100], "bytes": 4000, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "scheme": "int8@1", "bits": 8, "symmetric": true, "granularity": "channel",
   *     "profile": "compressed-tensors", "options": {},
   *     "storage": {},                   // options of the output format's own
   *     "parts": [{"name": "codes", "type": "I8", "shape": [10, 100]}],
   *     "packed_bytes": 1040,
   *     "evidence": "inferred",          // or declared, given: how the kind is known
   *     "quantizer": "linear",
   *     "remark": "",                    // of the output format: how it is stored or executed
   *     "errors": {...},                 // as above
   *     "max_error_bound": 0.02          // null if the scheme declares none
   *   }],
   *   "kept": [{
   *     "name": "fc.bias", "type": "F32", "shape": [10], "bytes": 40, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "why": "not-a-weight",           // or excluded, too-small, unsupported, non-finite
   *     "reason": "..."
   *   }],
   *   "kept_counts": {"not-a-weight": 1},
   *   "run": {"inputs": "...", "rounds": 25, "models": [{...}]},  // null if not run
   *   "elapsed_seconds": 1.5,            // only if it is given
   *   "mib_per_second": 60.0,            // of the tensors before
   *   "gates": [{"name": "min-sqnr", "limit": 30, "value": 41.3, "passed": true, "detail": ""}],
   *   "problems": [{"severity": "warning", "subject": "", "message": "", "remedy": ""}]  // or note, error
   * }
   * </pre>
   */
  public String toJson() {
    return toJson(Optional.empty());
  }

  /**
   * {@return the same with how long the run took}
   *
   * @param elapsed from the start of the run to its end
   */
  public String toJson(Duration elapsed) {
    return toJson(Optional.of(elapsed));
  }

  /**
   * {@return how long a run took and how much that is a second, for people}
   *
   * @param elapsed from the start of the run to its end
   */
  public String speed(Duration elapsed) {
    return Text.format("%.1f s, %.1f MiB/s", elapsed.toNanos() / 1e9, mebibytesPerSecond(elapsed));
  }

  private double mebibytesPerSecond(Duration elapsed) {
    return plan.bytesBefore() / 0x1p20 / Math.max(1e-9, elapsed.toNanos() / 1e9);
  }

  private String toJson(Optional<Duration> elapsed) {
    return Fields.document(
        "report",
        out -> {
          plan.describeHead(out);
          out.object("errors", fields -> Described.errors(fields, total()))
              .objects("weights", weights, (fields, weight) -> weight.describe(fields));
          plan.describeKept(out);
          run.ifPresentOrElse(
              comparison -> out.object("run", comparison::describe), () -> out.nothing("run"));
          elapsed.ifPresent(
              time ->
                  out.number("elapsed_seconds", time.toNanos() / 1e9)
                      .number("mib_per_second", mebibytesPerSecond(time)));
          out.objects("gates", gates, (fields, gate) -> gate.describe(fields));
          Described.problems(out, "problems", problems);
        });
  }

  private void appendGates(StringBuilder out) {
    for (GateResult gate : gates) {
      out.append(
          Text.format(
              "gate %s %s %s: %s\n",
              gate.name(),
              gate.limitText(),
              gate.passed() ? "passed" : "missed",
              Text.line(gate.detail())));
    }
  }

  private void appendWeights(StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    TextTable table =
        new TextTable(
            "weight",
            "kind",
            "scheme",
            "shape",
            ">before",
            ">after",
            ">ratio",
            ">SQNR dB",
            ">max error",
            ">bound",
            ">cosine");
    List<WeightReport> shown =
        Plan.mostTelling(
            weights, Comparator.comparingDouble(w -> w.errors().sqnrDb()), WeightReport::name);
    for (WeightReport w : shown) {
      PlannedWeight planned = w.planned();
      table.row(
          Text.name(w.name()),
          Text.name(planned.weight().rows().kind().name()),
          Text.scheme(planned.weight()),
          Text.shape(planned.weight().rows().tensor().shape()),
          Text.bytes(planned.bytesBefore()),
          Text.bytes(planned.bytesAfter()),
          Text.ratio(w.compressionRatio()),
          Text.decibels(w.errors().sqnrDb()),
          Text.error(w.errors().maxError()),
          Text.error(w.maxErrorBound()),
          Text.cosine(w.errors().cosine()));
    }
    table.appendTo(out);
    Plan.appendOmitted(weights.size(), shown.size(), "with the lowest SQNR", out);
    out.append('\n');
    plan.appendRemarks(out);
  }
}
