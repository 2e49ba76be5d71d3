package dev.monoquant.core.render;

import dev.monoquant.Problem;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A report in the XML that CI servers read as results of JUnit.
 *
 * <pre>
 * testsuites
 *   testsuite OUTPUT: gates     a test case for each gate, and one for each reason of a refusal
 *   testsuite OUTPUT: weights   a test case for each quantized weight, with its limits
 * </pre>
 *
 * <p>The names of test cases do not contain measured values, so that servers can follow them from
 * run to run.
 */
final class JunitReport {

  static final String START =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"quant\"";

  private final RunReport run;

  JunitReport(RunReport run) {
    this.run = run;
  }

  /** A test case; {@code failure} is the reason why it failed, or empty. */
  private record Case(String name, String text, Optional<String> failure) {}

  private record Suite(String output, String part, List<Case> cases) {
    String name() {
      return output + ": " + part;
    }

    long failures() {
      return cases.stream().filter(one -> one.failure().isPresent()).count();
    }
  }

  String toText() {
    List<Suite> suites = suites();
    StringBuilder out = new StringBuilder(START);
    int tests = suites.stream().mapToInt(suite -> suite.cases().size()).sum();
    long failures = suites.stream().mapToLong(Suite::failures).sum();
    appendCounts(tests, failures, out);
    run.elapsed()
        .ifPresent(time -> out.append(Text.format(" time=\"%.3f\"", time.toNanos() / 1e9)));
    out.append(">\n");
    suites.forEach(suite -> append(suite, out));
    return out.append("</testsuites>\n").toString();
  }

  private static void appendCounts(int tests, long failures, StringBuilder out) {
    out.append(
        Text.format(" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"0\"", tests, failures));
  }

  private void append(Suite suite, StringBuilder out) {
    String name = Markup.text(suite.name());
    out.append("  <testsuite name=\"").append(name).append('"');
    appendCounts(suite.cases().size(), suite.failures(), out);
    out.append(">\n    <properties>\n");
    property("tool", run.tool(), out);
    property("input", run.input(), out);
    out.append("    </properties>\n");
    for (Case one : suite.cases()) {
      out.append("    <testcase classname=\"quant.")
          .append(suite.part())
          .append("\" name=\"")
          .append(Markup.text(one.name()))
          .append("\">\n");
      one.failure()
          .ifPresent(
              why -> {
                String text = Markup.text(why);
                out.append("      <failure message=\"").append(text).append("\">");
                out.append(text).append("</failure>\n");
              });
      if (!one.text().isEmpty()) {
        out.append("      <system-out>").append(Markup.text(one.text())).append("</system-out>\n");
      }
      out.append("    </testcase>\n");
    }
    out.append("  </testsuite>\n");
  }

  private static void property(String name, String value, StringBuilder out) {
    out.append(
        Text.format("      <property name=\"%s\" value=\"%s\"/>\n", name, Markup.text(value)));
  }

  private List<Suite> suites() {
    if (run.results().isEmpty()) {
      return List.of(new Suite("quant", "run", refusals(run.problems())));
    }
    List<Suite> suites = new ArrayList<>();
    for (Reports.Entry entry : run.results().get().outputs()) {
      Report report = entry.report();
      List<Case> gates = new ArrayList<>();
      report.gates().forEach(gate -> gates.add(gate(gate)));
      gates.addAll(
          refusals(
              report.problems().stream()
                  .filter(p -> p.severity() == Problem.Severity.ERROR)
                  .toList()));
      suites.add(new Suite(entry.target().toString(), "gates", gates));
      suites.add(
          new Suite(
              entry.target().toString(),
              "weights",
              report.weights().stream().map(weight -> weight(weight, report.gates())).toList()));
    }
    return suites;
  }

  private static List<Case> refusals(List<Problem> problems) {
    return problems.stream()
        .map(
            problem -> {
              String why = problem.subject().isEmpty() ? problem.message() : problem.toString();
              String name = problem.subject().isEmpty() ? "accepted" : problem.subject();
              return new Case(name, "", Optional.of(why));
            })
        .toList();
  }

  private static Case gate(GateResult gate) {
    String text = gate.detail() + "; the limit is " + gate.limitText();
    return new Case(
        gate.name(),
        text,
        gate.passed() ? Optional.empty() : Optional.of(text + ". Try more bits or smaller groups"));
  }

  private static Case weight(WeightReport weight, List<GateResult> gates) {
    List<String> missed = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    double sqnr = weight.errors().sqnrDb();
    double cosine = weight.errors().cosine();
    text.append("SQNR ").append(Text.decibels(sqnr)).append(" dB");
    limit(gates, GateResult.MIN_SQNR, sqnr, text).ifPresent(missed::add);
    text.append(", cosine ").append(Text.cosine(cosine));
    limit(gates, GateResult.MIN_WEIGHT_COSINE, cosine, text).ifPresent(missed::add);
    text.append(", max error ").append(Text.error(weight.errors().maxError()));
    if (Double.isFinite(weight.maxErrorBound())) {
      text.append(" (at most ").append(Text.error(weight.maxErrorBound())).append(')');
    }
    return new Case(
        weight.name(),
        text.toString(),
        missed.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", missed)));
  }

  /** Adds the limit of a gate that applies to weights. */
  private static Optional<String> limit(
      List<GateResult> gates, String name, double value, StringBuilder text) {
    for (GateResult gate : gates) {
      if (gate.ofWeights() && gate.name().equals(name)) {
        boolean within = value >= gate.limit() || Double.isNaN(value);
        String limit = "at least " + gate.limitText();
        text.append(" (").append(limit).append(')');
        return within
            ? Optional.empty()
            : Optional.of(name + ": " + Text.number(value, gate.limit(), 2) + ", " + limit);
      }
    }
    return Optional.empty();
  }
}
