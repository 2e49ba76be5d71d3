package dev.monoquant.core.report;

import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import dev.monoquant.model.BoundKernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The results of a run, for each weight and in total.
 *
 * @param plan the plan of the run
 * @param weights the result for each weight, in model order
 * @param problems problems and notes for the user, including those of the plan; contains an error
 *     if the side-by-side run refused the output
 * @param run the side-by-side run of original and result; empty if the output is not run
 * @param gates the limits and the measured values
 * @param kernels the name of the {@link dev.monoquant.model.Kernels} that computed it, which do not
 *     affect the results
 */
public record Report(
    Plan plan,
    List<WeightReport> weights,
    List<Problem> problems,
    Optional<RunComparison> run,
    List<GateResult> gates,
    String kernels) {

  private static final int WORST = 5;

  /** Copies the lists. */
  public Report {
    weights = List.copyOf(weights);
    problems = List.copyOf(problems);
    gates = List.copyOf(gates);
  }

  /**
   * Makes a report of a run whose output is not executed.
   *
   * @param plan the plan of the run
   * @param weights the result for each weight
   * @param problems problems and notes for the user
   */
  public Report(Plan plan, List<WeightReport> weights, List<Problem> problems) {
    this(plan, weights, problems, Optional.empty(), List.of(), BoundKernels.JVM.name());
  }

  /**
   * {@return a copy with other problems and the side-by-side run}
   *
   * @param all all problems and notes for the user
   * @param comparison the side-by-side run; empty if there was none
   */
  public Report with(List<Problem> all, Optional<RunComparison> comparison) {
    return new Report(plan, weights, all, comparison, gates, kernels);
  }

  /**
   * {@return a copy with results of gates}
   *
   * @param results the limits and the measured values
   */
  public Report withGates(List<GateResult> results) {
    return new Report(plan, weights, problems, run, results, kernels);
  }

  /**
   * {@return a copy with other kernels}
   *
   * @param name the name of the kernels that ran
   */
  public Report withKernels(String name) {
    return new Report(plan, weights, problems, run, gates, name);
  }

  /**
   * {@return whether the output is accepted: all gates are passed, and the side-by-side run found
   * no error}
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

  /** {@return bytes of all tensors before divided by bytes after; 1 for a model without data} */
  public double compressionRatio() {
    return plan.compressionRatio();
  }

  /**
   * {@return a summary in a few lines: the sizes, what was quantized, the weights with the lowest
   * SQNR, counts of what was left in float, the run, gates and problems; without colours, with
   * lines that end in {@code \n}, each complete in itself}
   *
   * @param columns the width of a line; names are shortened to fit, messages are not
   */
  public String toSummary(int columns) {
    StringBuilder out = new StringBuilder();
    out.append(Text.name(plan.input())).append(": ").append(plan.inputFormat());
    if (!plan.outputFormat().isEmpty()) {
      out.append(" -> ").append(plan.outputFormat());
    }
    out.append(", ");
    out.append(Text.change(plan.wholeBytesBefore(), plan.wholeBytesAfter())).append('\n');
    plan.appendQuantized(out);
    appendWorst(columns, out);
    plan.appendKeptCounts(out);
    appendOutputs(out);
    run.ifPresent(comparison -> comparison.appendShortTo(out));
    appendGates(out);
    Text.problems(problems, out);
    return out.toString();
  }

  /** {@return the full report as text, without colours, with lines that end in {@code \n}} */
  public String toTable() {
    return toTable(Integer.MAX_VALUE);
  }

  /**
   * {@return the full report as text for a terminal}
   *
   * @param columns the width of a row; columns of tables that do not fit are left out, and names
   *     are shortened
   */
  public String toTable(int columns) {
    StringBuilder out = new StringBuilder();
    plan.appendHead(out);
    appendWeights(columns, out);
    plan.appendTotals(out);
    appendTotalError(out);
    appendOutputs(out);
    run.ifPresent(comparison -> out.append('\n').append(comparison.toTable(columns)));
    appendGates(out);
    Text.problems(problems, out);
    return out.toString();
  }

  /** The layers with the largest errors of their outputs, if a calibration has their inputs. */
  private void appendOutputs(StringBuilder out) {
    List<WeightReport> measured =
        weights.stream()
            .filter(w -> w.outputSqnrDb().isPresent())
            .sorted(Comparator.comparingDouble(w -> w.outputSqnrDb().getAsDouble()))
            .toList();
    if (!measured.isEmpty()) {
      WeightReport worst = measured.get(0);
      out.append(
          Text.format(
              "outputs of %s, calibrated: SQNR %s dB median, %s dB least, by %s\n",
              Text.count(measured.size(), "layer"),
              Text.decibels(measured.get(measured.size() / 2).outputSqnrDb().getAsDouble()),
              Text.decibels(worst.outputSqnrDb().getAsDouble()),
              Text.name(worst.name())));
    }
  }

  private void appendTotalError(StringBuilder out) {
    if (!weights.isEmpty()) {
      ErrorStatistics total = total();
      out.append(
          Text.format(
              "error of all quantized weights: SQNR %s dB, cosine %s, max error %s\n",
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
  }

  private void appendWorst(int columns, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    TextTable table =
        new TextTable("lowest SQNR", "?scheme", ">after", ">ratio", ">SQNR dB", ">cosine");
    weights.stream()
        .sorted(Comparator.comparingDouble(w -> w.errors().sqnrDb()))
        .limit(WORST)
        .forEach(
            w ->
                table.row(
                    Text.name(w.name()),
                    Text.shortScheme(w.planned().weight()),
                    Text.bytes(w.planned().bytesAfter()),
                    Text.ratio(w.compressionRatio()),
                    Text.decibels(w.errors().sqnrDb()),
                    Text.cosine(w.errors().cosine())));
    table.appendTo(out, columns);
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "report",
   *   "input": "model.safetensors",      // as the user named it
   *   "input_format": "safetensors",
   *   "output_format": "compressed-tensors",  // empty if there is no output
   *   "output_bytes": 1234,              // of all tensor files, with headers; null if unknown
   *   "bytes_before": 4000,              // of all tensors
   *   "bytes_after": 1200,
   *   "compression_ratio": 3.33,         // before / after, 1 for a model without data
   *   "kv_cache": "float8 tensor static",  // keys and values, while the model runs; only if quantized
   *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
   *   "weights": [{
   *     "name": "fc.weight", "type": "F32", "shape": [10, 100], "bytes": 4000, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "scheme": "int8@1", "bits": 8, "symmetric": true, "granularity": "channel",
   *     "profile": "compressed-tensors",
   *     "activations": "int8 token",     // of the layer, while the model runs; only if quantized
   *     "options": {},
   *     "storage": {},                   // options of the output format
   *     "parts": [{"name": "codes", "type": "I8", "shape": [10, 100]}],
   *     "packed_bytes": 1040,
   *     "evidence": "inferred",          // or declared, given: how the kind is known
   *     "quantizer": "linear",
   *     "remark": "",                    // of the output format: how it is stored or executed
   *     "errors": {...},                 // as above
   *     "max_error_bound": 0.02,         // null if the scheme declares none
   *     "output_sqnr_db": 28.6           // of the layer's outputs; only if a calibration has its inputs
   *   }],
   *   "kept": [{
   *     "name": "fc.bias", "type": "F32", "shape": [10], "bytes": 40, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "why": "not-a-weight",           // or excluded, too-small, unsupported, non-finite
   *     "reason": "..."
   *   }],
   *   "kept_counts": {"not-a-weight": 1},
   *   "run": {"inputs": "...", "rounds": 25, "models": [{...}]},  // null if not run
   *   "gates": [{"name": "min-sqnr", "limit": 30, "value": 41.3, "passed": true, "detail": ""}],
   *   "problems": [{"severity": "warning", "subject": "", "message": "", "remedy": ""}],  // or note, error
   *   "timing": {                        // only in a {@link RunReport}; differs between equal runs
   *     "elapsed_seconds": 1.5,
   *     "mib_per_second": 60.0,          // of the tensors before
   *     "kernels": "vector"
   *   }
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document("report", this::describe);
  }

  /**
   * {@return the time, the throughput and the kernels of a run, as text}
   *
   * @param elapsed from the start of the run to its end
   */
  public String speed(Duration elapsed) {
    return Text.format(
        "%.1f s, %.1f MiB/s, %s kernels",
        elapsed.toNanos() / 1e9, mebibytesPerSecond(elapsed), kernels);
  }

  private double mebibytesPerSecond(Duration elapsed) {
    return plan.bytesBefore() / 0x1p20 / Math.max(1e-9, elapsed.toNanos() / 1e9);
  }

  void describe(Fields out) {
    plan.describeHead(out);
    out.object("errors", fields -> Described.errors(fields, total()))
        .objects("weights", weights, (fields, weight) -> weight.describe(fields));
    plan.describeKept(out);
    run.ifPresentOrElse(
        comparison -> out.object("run", comparison::describe), () -> out.nothing("run"));
    out.objects("gates", gates, (fields, gate) -> gate.describe(fields));
    Described.problems(out, "problems", problems);
  }

  void describeTime(Duration elapsed, Fields out) {
    out.object(
        "timing",
        fields ->
            fields
                .number("elapsed_seconds", elapsed.toNanos() / 1e9)
                .number("mib_per_second", mebibytesPerSecond(elapsed))
                .text("kernels", kernels));
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

  private void appendWeights(int columns, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    boolean measured = weights.stream().anyMatch(w -> w.outputSqnrDb().isPresent());
    List<String> header =
        new ArrayList<>(
            List.of(
                "weight",
                "?kind",
                "?scheme",
                "?shape",
                "?>before",
                ">after",
                "?>ratio",
                ">SQNR dB",
                "?>max error",
                "?>bound",
                ">cosine"));
    if (measured) {
      header.add(">outputs dB");
    }
    TextTable table = new TextTable(header.toArray(String[]::new));
    List<WeightReport> shown =
        Plan.mostTelling(
            weights, Comparator.comparingDouble(w -> w.errors().sqnrDb()), WeightReport::name);
    for (WeightReport w : shown) {
      PlannedWeight planned = w.planned();
      List<String> row =
          new ArrayList<>(
              List.of(
                  Text.name(w.name()),
                  Text.name(planned.weight().matrix().kind().name()),
                  Text.scheme(planned.weight()),
                  Text.shape(planned.weight().matrix().tensor().shape()),
                  Text.bytes(planned.bytesBefore()),
                  Text.bytes(planned.bytesAfter()),
                  Text.ratio(w.compressionRatio()),
                  Text.decibels(w.errors().sqnrDb()),
                  Text.error(w.errors().maxError()),
                  Text.error(w.maxErrorBound()),
                  Text.cosine(w.errors().cosine())));
      if (measured) {
        row.add(w.outputSqnrDb().isPresent() ? Text.decibels(w.outputSqnrDb().getAsDouble()) : "-");
      }
      table.row(row.toArray(String[]::new));
    }
    table.appendTo(out, columns);
    Plan.appendOmitted(weights.size(), shown.size(), "with the lowest SQNR", out);
    out.append('\n');
    plan.appendRemarks(out);
  }
}
