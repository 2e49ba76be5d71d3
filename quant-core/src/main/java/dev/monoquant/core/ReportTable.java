package dev.monoquant.core;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A report or a plan as plain text.
 *
 * <p>A model of more than {@value #MAX_ROWS} weights shows the ones with the lowest SQNR (a plan:
 * the largest ones) in model order, and says how many there are.
 */
final class ReportTable {

  static final int MAX_ROWS = 100;
  private static final int MAX_NAMES = 3;

  private ReportTable() {}

  static String of(Report report) {
    StringBuilder out = new StringBuilder();
    head(report.plan(), out);
    weights(report.weights(), out);
    totals(report.plan(), out);
    if (!report.weights().isEmpty()) {
      ErrorStatistics total = report.total();
      out.append(
          Text.format(
              "error of all quantized weights: SQNR %s dB, cosine %s, max error %s\n",
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    report
        .run()
        .ifPresent(
            run -> {
              out.append('\n');
              RunText.appendTo(out, run);
            });
    gates(report.gates(), out);
    Text.problems(report.problems(), out);
    return out.toString();
  }

  static String of(Plan plan) {
    StringBuilder out = new StringBuilder();
    head(plan, out);
    planned(plan.weights(), out);
    totals(plan, out);
    Text.problems(plan.problems(), out);
    return out.toString();
  }

  private static void gates(List<GateResult> gates, StringBuilder out) {
    for (GateResult gate : gates) {
      out.append(
          Text.format(
              "gate %s %s %s: %s\n",
              gate.name(),
              Gates.limit(gate),
              gate.passed() ? "passed" : "missed",
              Text.line(gate.detail())));
    }
  }

  private static void head(Plan plan, StringBuilder out) {
    out.append(Text.name(plan.input())).append(": ").append(plan.inputFormat());
    if (!plan.outputFormat().isEmpty()) {
      out.append(" -> ").append(plan.outputFormat());
    }
    out.append("\n\n");
  }

  private static void weights(List<WeightReport> weights, StringBuilder out) {
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
        shown(weights, Comparator.comparingDouble(w -> w.errors().sqnrDb()), WeightReport::name);
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
    unsaid(weights.size(), shown.size(), "with the lowest SQNR", out);
    out.append('\n');
    remarks(weights.stream().map(WeightReport::planned).toList(), out);
  }

  private static void planned(List<PlannedWeight> weights, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    TextTable table =
        new TextTable(
            "weight", "kind", "known by", "scheme", "shape", ">before", ">after", ">ratio");
    List<PlannedWeight> shown =
        shown(
            weights,
            Comparator.comparingLong(PlannedWeight::bytesBefore).reversed(),
            w -> w.weight().name());
    for (PlannedWeight w : shown) {
      table.row(
          Text.name(w.weight().name()),
          Text.name(w.weight().rows().kind().name()),
          w.evidence().wire(),
          Text.scheme(w.weight()),
          Text.shape(w.weight().rows().tensor().shape()),
          Text.bytes(w.bytesBefore()),
          Text.bytes(w.bytesAfter()),
          Text.ratio(w.bytesAfter() == 0 ? 1 : (double) w.bytesBefore() / w.bytesAfter()));
    }
    table.appendTo(out);
    unsaid(weights.size(), shown.size(), "that are largest", out);
    out.append('\n');
    remarks(weights, out);
  }

  /** What the output format says, each sentence once, with the weights that it is said of. */
  private static void remarks(List<PlannedWeight> weights, StringBuilder out) {
    Map<String, List<String>> byRemark = new LinkedHashMap<>();
    for (PlannedWeight w : weights) {
      if (!w.remark().isEmpty()) {
        byRemark.computeIfAbsent(w.remark(), r -> new ArrayList<>()).add(w.weight().name());
      }
    }
    byRemark.forEach(
        (remark, names) ->
            out.append(
                Text.format(
                    "%s: %s: %s\n",
                    Text.count(names.size(), "weight"),
                    Text.line(remark),
                    Text.names(names, MAX_NAMES))));
    if (!byRemark.isEmpty()) {
      out.append('\n');
    }
  }

  private static <T> List<T> shown(List<T> weights, Comparator<T> first, Function<T, String> name) {
    if (weights.size() <= MAX_ROWS) {
      return weights;
    }
    Set<String> names =
        weights.stream().sorted(first).limit(MAX_ROWS).map(name).collect(Collectors.toSet());
    return weights.stream().filter(w -> names.contains(name.apply(w))).toList();
  }

  private static void unsaid(int all, int shown, String which, StringBuilder out) {
    if (shown < all) {
      out.append(
          Text.format(
              "%d of %d weights are shown, those %s; the JSON form has all\n", shown, all, which));
    }
  }

  private static void totals(Plan plan, StringBuilder out) {
    long before = plan.weights().stream().mapToLong(PlannedWeight::bytesBefore).sum();
    long after = plan.weights().stream().mapToLong(PlannedWeight::bytesAfter).sum();
    out.append(
        Text.format(
            "quantized: %s of %s, %s\n",
            Text.count(plan.weights().size(), "weight"),
            Text.count((long) plan.weights().size() + plan.kept().size(), "tensor"),
            Text.change(before, after)));
    KeptTable.appendTo(out, plan.kept());
    out.append("model: ").append(Text.change(plan.bytesBefore(), plan.bytesAfter()));
    plan.outputBytes()
        .ifPresent(bytes -> out.append(", ").append(bytes).append(" bytes with headers"));
    out.append('\n');
  }
}
