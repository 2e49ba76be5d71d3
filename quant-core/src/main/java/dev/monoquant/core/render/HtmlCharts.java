package dev.monoquant.core.render;

import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** The charts of one output in the HTML page. */
final class HtmlCharts {

  private static final int MAX_POINTS = 2000;
  private static final int MAX_KINDS = 8;
  private static final int MAX_LABEL = 40;

  /** The place of a weight without error: above all others. */
  private static final double ABOVE = 6;

  private final Report report;
  private final int maxPoints;

  /** A weight in a chart. */
  private record Dot(int depth, WeightReport weight, int series) {}

  HtmlCharts(Report report, int outputs) {
    this.report = report;
    this.maxPoints = Math.max(100, MAX_POINTS / outputs);
  }

  void appendTo(StringBuilder out) {
    out.append("<div class=\"charts\">\n");
    errors(out);
    sizes(out);
    report.run().ifPresent(run -> outputs(run, out));
    out.append("</div>\n");
  }

  private void errors(StringBuilder out) {
    List<String> kinds = new ArrayList<>();
    List<Dot> dots = new ArrayList<>();
    List<WeightReport> weights = Depth.sorted(report.weights());
    for (int i = 0; i < weights.size(); i++) {
      WeightReport weight = weights.get(i);
      String kind = weight.planned().weight().matrix().kind().name();
      if (!kinds.contains(kind)) {
        kinds.add(kind);
      }
      if (!Double.isNaN(weight.errors().sqnrDb())) {
        dots.add(new Dot(i + 1, weight, kinds.indexOf(kind)));
      }
    }
    if (dots.isEmpty()) {
      return;
    }
    dots.sort(Comparator.comparingDouble(d -> d.weight().errors().sqnrDb()));
    List<Dot> shown = dots.subList(0, Math.min(dots.size(), maxPoints));
    double top =
        shown.stream()
                .mapToDouble(d -> d.weight().errors().sqnrDb())
                .filter(Double::isFinite)
                .max()
                .orElse(0)
            + ABOVE;
    Optional<Double> limit =
        report.gates().stream()
            .filter(gate -> gate.ofWeights() && gate.name().equals(GateResult.MIN_SQNR))
            .map(GateResult::limit)
            .findFirst();
    ToDoubleFunction<Dot> height = d -> Math.min(top, d.weight().errors().sqnrDb());
    double least =
        DoubleStream.concat(shown.stream().mapToDouble(height), limit.stream().mapToDouble(l -> l))
            .filter(Double::isFinite)
            .min()
            .orElse(0);
    Axis y = Axis.linear(least, Math.max(top - ABOVE, limit.orElse(least)));
    String note = note(dots.size());
    scatter(
        "Error against depth",
        "place in the model",
        Axis.whole(1, weights.size()),
        y,
        shown,
        Dot::depth,
        limit,
        note,
        kinds,
        out);
    ToDoubleFunction<Dot> size =
        d -> d.weight().planned().weight().matrix().tensor().shape().elements();
    scatter(
        "Error against size",
        "numbers in the weight",
        Axis.logarithmic(
            shown.stream().mapToDouble(size).min().orElse(1),
            shown.stream().mapToDouble(size).max().orElse(1)),
        y,
        shown,
        size,
        limit,
        note,
        kinds,
        out);
  }

  private String note(int all) {
    boolean exact =
        report.weights().stream().anyMatch(w -> w.errors().sqnrDb() == Double.POSITIVE_INFINITY);
    return (all > maxPoints
            ? Text.format("The %d of %d weights with the lowest SQNR. ", maxPoints, all)
            : "")
        + (exact ? "At the top: no error. " : "")
        + "Higher is better.";
  }

  private static void scatter(
      String title,
      String label,
      Axis x,
      Axis y,
      List<Dot> dots,
      ToDoubleFunction<Dot> across,
      Optional<Double> limit,
      String note,
      List<String> kinds,
      StringBuilder out) {
    List<Chart.Point> points =
        dots.stream()
            .map(
                d ->
                    new Chart.Point(
                        across.applyAsDouble(d),
                        d.weight().errors().sqnrDb(),
                        d.series(),
                        d.weight().name()
                            + ": "
                            + Text.decibels(d.weight().errors().sqnrDb())
                            + " dB, "
                            + Text.bytes(d.weight().planned().bytesBefore())))
            .toList();
    open(title, out);
    new Chart.Scatter(
            title + ": " + Text.count(points.size(), "weight"),
            x,
            y,
            List.of(label, "SQNR dB"),
            points,
            limit,
            Chart.Scatter.Line.NONE)
        .appendTo(out);
    out.append("<figcaption>").append(note);
    limit.ifPresent(l -> out.append(" Dashed: --min-sqnr."));
    for (int i = 0; i < Math.min(kinds.size(), Chart.COLOURS); i++) {
      String kind =
          i == Chart.COLOURS - 1 && kinds.size() > Chart.COLOURS ? "others" : kinds.get(i);
      out.append(Text.format("<span class=\"key s%d\"></span>%s", i, Markup.text(label(kind))));
    }
    out.append("</figcaption></figure>\n");
  }

  private void sizes(StringBuilder out) {
    Map<String, long[]> kinds = new LinkedHashMap<>();
    for (WeightReport weight : report.weights()) {
      long[] sums =
          kinds.computeIfAbsent(weight.planned().weight().matrix().kind().name(), k -> new long[2]);
      sums[0] += weight.planned().bytesBefore();
      sums[1] += weight.planned().bytesAfter();
    }
    List<Map.Entry<String, long[]>> sorted = new ArrayList<>(kinds.entrySet());
    sorted.sort(Comparator.comparingLong(e -> -e.getValue()[0]));
    List<Chart.Pair> pairs = new ArrayList<>();
    sorted.stream()
        .limit(MAX_KINDS)
        .forEach(
            e -> pairs.add(new Chart.Pair(label(e.getKey()), e.getValue()[0], e.getValue()[1])));
    if (sorted.size() > MAX_KINDS) {
      List<Map.Entry<String, long[]>> rest = sorted.subList(MAX_KINDS, sorted.size());
      pairs.add(
          new Chart.Pair(
              Text.count(rest.size(), "other kind"),
              rest.stream().mapToLong(e -> e.getValue()[0]).sum(),
              rest.stream().mapToLong(e -> e.getValue()[1]).sum()));
    }
    List<UnquantizedTensor> kept = report.plan().kept();
    if (!kept.isEmpty()) {
      long bytes = kept.stream().mapToLong(k -> k.tensor().bytes()).sum();
      pairs.add(new Chart.Pair("left in float", bytes, bytes));
    }
    if (pairs.isEmpty()) {
      return;
    }
    open("Size by kind", out);
    Chart.bars("Size by kind of layer, before and after", pairs, out);
    out.append("<figcaption><span class=\"key before\"></span>before");
    out.append("<span class=\"key after\"></span>after</figcaption></figure>\n");
  }

  private static void outputs(RunComparison run, StringBuilder out) {
    List<Chart.Point> points = new ArrayList<>();
    List<RunResult> others = run.others();
    for (int i = 0; i < others.size(); i++) {
      for (RunResult.Pair pair : others.get(i).pairs()) {
        if (Double.isFinite(pair.reference()) && Double.isFinite(pair.result())) {
          points.add(new Chart.Point(pair.reference(), pair.result(), i, ""));
        }
      }
    }
    if (points.isEmpty()) {
      return;
    }
    double least = points.stream().mapToDouble(p -> Math.min(p.x(), p.y())).min().orElse(0);
    double most = points.stream().mapToDouble(p -> Math.max(p.x(), p.y())).max().orElse(1);
    Axis axis = Axis.linear(least, most);
    open("Outputs of original and result", out);
    new Chart.Scatter(
            "Outputs of original and result: " + Text.count(points.size(), "number"),
            axis,
            axis,
            List.of("original", "result"),
            points,
            Optional.empty(),
            Chart.Scatter.Line.DIAGONAL)
        .appendTo(out);
    out.append("<figcaption>On the line, both are equal. Inputs: ");
    out.append(Markup.text(run.inputs())).append('.');
    for (RunResult model : others) {
      out.append(
          Text.format(
              " Cosine %s, SQNR %s dB, %.2fx the speed of the original.",
              Text.cosine(model.outputs().cosine()),
              Text.decibels(model.outputs().sqnrDb()),
              run.speedup(model)));
    }
    out.append("</figcaption></figure>\n");
  }

  private static void open(String title, StringBuilder out) {
    out.append("<figure><h3>").append(title).append("</h3>\n");
  }

  private static String label(String kind) {
    return kind.length() <= MAX_LABEL ? kind : kind.substring(0, MAX_LABEL) + "…";
  }
}
