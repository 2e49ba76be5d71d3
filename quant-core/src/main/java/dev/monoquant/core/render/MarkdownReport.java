package dev.monoquant.core.render;

import dev.monoquant.Problem;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.text.Text;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A summary in GitHub's Markdown, of a bounded length whatever the model. */
final class MarkdownReport {

  static final String START = "<!-- quant report -->\n";

  private static final int WORST = 5;
  private static final int MAX_PROBLEMS = 20;
  private static final int MAX_LETTERS = 600;

  private final RunReport run;

  MarkdownReport(RunReport run) {
    this.run = run;
  }

  String toText() {
    StringBuilder out = new StringBuilder(START);
    if (run.results().isEmpty()) {
      out.append("## ❌ ").append(name(run.input())).append(" was not quantized\n\n");
      problems(run.problems(), out);
    } else {
      run.results().get().outputs().forEach(entry -> output(entry, out));
    }
    out.append("<sub>").append(text(run.tool()));
    if (!run.time().isEmpty()) {
      out.append(", ").append(run.time());
    }
    return out.append("</sub>\n").toString();
  }

  static String text(String text) {
    int[] points = text.codePoints().limit(MAX_LETTERS + 1L).toArray();
    return points.length <= MAX_LETTERS
        ? Markup.markdown(text)
        : Markup.markdown(new String(points, 0, MAX_LETTERS)) + "…";
  }

  static String name(String name) {
    return "<code>" + text(Text.name(name)) + "</code>";
  }

  private void output(Reports.Entry entry, StringBuilder out) {
    Report report = entry.report();
    Plan plan = report.plan();
    out.append("## ")
        .append(run.accepted() ? "✅ " : "❌ ")
        .append(name(plan.input()))
        .append(" → ")
        .append(name(entry.target().toString()))
        .append("\n\n")
        .append(outcome(report))
        .append(text(Text.change(plan.wholeBytesBefore(), plan.wholeBytesAfter())))
        .append(". Quantized: ")
        .append(Text.count(report.weights().size(), "weight"))
        .append(" of ")
        .append(Text.count((long) report.weights().size() + plan.kept().size(), "tensor"));
    if (!report.weights().isEmpty()) {
      out.append(", SQNR ").append(Text.decibels(report.total().sqnrDb())).append(" dB");
    }
    out.append(".\n\n");
    gates(report.gates(), out);
    worst(report.weights(), out);
    kept(plan.kept(), out);
    problems(report.problems(), out);
  }

  /** All outputs are put in place, or none. */
  private String outcome(Report report) {
    if (run.accepted()) {
      return "";
    }
    return report.accepted()
        ? "**Nothing was written**, since another output was refused. "
        : "**Nothing was written.** ";
  }

  private static void gates(List<GateResult> gates, StringBuilder out) {
    if (gates.isEmpty()) {
      return;
    }
    out.append("| gate | limit | | measured |\n|---|--:|---|---|\n");
    for (GateResult gate : gates) {
      out.append(
          Text.format(
              "| %s | %s | %s | %s |\n",
              text(gate.name()),
              gate.limitText(),
              gate.passed() ? "✅ passed" : "❌ missed",
              text(gate.detail())));
    }
    out.append('\n');
  }

  private static void worst(List<WeightReport> weights, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    out.append("| weights with the lowest SQNR | scheme | ratio | SQNR dB | cosine |\n");
    out.append("|---|---|--:|--:|--:|\n");
    weights.stream()
        .sorted(Comparator.comparingDouble(w -> w.errors().sqnrDb()))
        .limit(WORST)
        .forEach(
            w ->
                out.append(
                    Text.format(
                        "| %s | %s | %s | %s | %s |\n",
                        name(w.name()),
                        text(Text.shortScheme(w.planned().weight())),
                        Text.ratio(w.compressionRatio()),
                        Text.decibels(w.errors().sqnrDb()),
                        Text.cosine(w.errors().cosine()))));
    out.append('\n');
  }

  private static void kept(List<UnquantizedTensor> kept, StringBuilder out) {
    if (kept.isEmpty()) {
      return;
    }
    Map<String, Integer> counts = new TreeMap<>();
    kept.forEach(tensor -> counts.merge(tensor.why().wire(), 1, Integer::sum));
    out.append("Left in float: ");
    out.append(
        String.join(
            ", ",
            counts.entrySet().stream().map(e -> e.getValue() + " " + text(e.getKey())).toList()));
    out.append(".\n\n");
  }

  private static void problems(List<Problem> problems, StringBuilder out) {
    for (Problem problem : problems.subList(0, Math.min(problems.size(), MAX_PROBLEMS))) {
      out.append("- ")
          .append(
              switch (problem.severity()) {
                case NOTE -> "note: ";
                case WARNING -> "⚠️ ";
                case ERROR -> "❌ ";
              })
          .append(text(problem.subject().isEmpty() ? problem.message() : problem.toString()))
          .append('\n');
    }
    if (problems.size() > MAX_PROBLEMS) {
      out.append("- and ").append(problems.size() - MAX_PROBLEMS).append(" more\n");
    }
    if (!problems.isEmpty()) {
      out.append('\n');
    }
  }
}
