package dev.monoquant.core.render;

import dev.monoquant.Problem;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A report as one HTML page without other files.
 *
 * <p>Its only script sorts and filters tables; the page is complete without it. The policy of the
 * page allows no other script, not even inline, and no request to anywhere.
 */
final class HtmlReport {

  static final String START = "<!DOCTYPE html>\n<html lang=\"en\" data-report=\"quant\">";

  private static final int MAX_PROBLEMS = 200;

  private final RunReport run;

  HtmlReport(RunReport run) {
    this.run = run;
  }

  String toText() {
    return page(
        "Quantization of " + run.input(),
        out -> {
          header(out);
          if (run.results().isPresent()) {
            results(run.results().get(), out);
          } else {
            problems(run.problems(), out);
            provenance(out);
          }
        });
  }

  /** {@return a page with the style, the script and the policy of all reports} */
  static String page(String title, Consumer<StringBuilder> body) {
    String script = resource("report.js");
    StringBuilder out = new StringBuilder(START);
    out.append("\n<head>\n<meta charset=\"utf-8\">\n");
    out.append(
        Text.format(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
                + " style-src 'unsafe-inline'; script-src 'sha256-%s'\">\n",
            hash(script)));
    out.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.append("<title>").append(Markup.text(title)).append("</title>\n");
    out.append("<style>\n").append(resource("report.css")).append("</style>\n</head>\n<body>\n");
    body.accept(out);
    out.append("<script>").append(script).append("</script>\n</body>\n</html>\n");
    return out.toString();
  }

  private void header(StringBuilder out) {
    out.append("<header>\n<h1>Quantization report</h1>\n<p class=\"soft\"><code>");
    out.append(Markup.text(run.input())).append("</code> · ").append(Markup.text(run.tool()));
    if (!run.time().isEmpty()) {
      out.append(" · ").append(run.time());
    }
    out.append("</p>\n");
    out.append(
        run.accepted()
            ? "<p class=\"good\">Accepted: nothing is over a limit.</p>\n"
            : run.results().isEmpty()
                ? "<p class=\"bad\">Failed: nothing was written.</p>\n"
                : "<p class=\"bad\">Refused: a limit was missed. Nothing was written.</p>\n");
    out.append("</header>\n");
  }

  private void results(Reports results, StringBuilder out) {
    List<Reports.Entry> entries = results.outputs();
    if (entries.size() > 1) {
      out.append("<nav><p>");
      for (int i = 0; i < entries.size(); i++) {
        String target = Markup.text(entries.get(i).target().toString());
        out.append(Text.format("<a href=\"#output-%d\"><code>%s</code></a> ", i + 1, target));
      }
      out.append("</p></nav>\n");
    }
    for (int i = 0; i < entries.size(); i++) {
      Reports.Entry entry = entries.get(i);
      Report report = entry.report();
      out.append(
          Text.format(
              "<section id=\"output-%d\">\n<h2><code>%s</code></h2>\n",
              i + 1, Markup.text(entry.target().toString())));
      HtmlTables tables = new HtmlTables(report, entries.size());
      tables.tiles(run.time(), out);
      tables.gates(out);
      problems(report.problems(), out);
      new HtmlCharts(report, entries.size()).appendTo(out);
      tables.weights(out);
      tables.kept(out);
      tables.beside(out);
      out.append("</section>\n");
    }
    provenance(out);
  }

  private static void problems(List<Problem> problems, StringBuilder out) {
    if (problems.isEmpty()) {
      return;
    }
    out.append("<h3>Problems and notes</h3>\n<ul>\n");
    for (Problem problem : problems.subList(0, Math.min(problems.size(), MAX_PROBLEMS))) {
      out.append("<li>")
          .append(
              switch (problem.severity()) {
                case NOTE -> "<b>note</b> ";
                case WARNING -> "<b>warning</b> ";
                case ERROR -> "<b class=\"bad\">error</b> ";
              });
      if (!problem.subject().isEmpty()) {
        out.append("<code>").append(Markup.text(problem.subject())).append("</code>: ");
      }
      out.append(Markup.text(problem.message()));
      if (!problem.remedy().isEmpty()) {
        out.append(". ").append(Markup.text(problem.remedy()));
      }
      out.append("</li>\n");
    }
    if (problems.size() > MAX_PROBLEMS) {
      out.append(Text.format("<li>and %d more</li>\n", problems.size() - MAX_PROBLEMS));
    }
    out.append("</ul>\n");
  }

  private void provenance(StringBuilder out) {
    out.append("<section>\n<h2>Where it came from</h2>\n<dl>\n");
    entry("tool", run.tool(), out);
    entry("input", run.input(), out);
    run.results()
        .ifPresent(
            all -> {
              Report first = all.outputs().get(0).report();
              entry("format of the input", first.plan().inputFormat(), out);
              entry("kernels", first.kernels(), out);
            });
    out.append("</dl>\n");
    HtmlTables.files("Files that were read", run.inputs(), out);
    for (RunReport.Target target : run.targets()) {
      out.append("<h3>Configuration of <code>")
          .append(Markup.text(target.path().toString()))
          .append("</code></h3>\n<pre>");
      if (target.configuration().isEmpty()) {
        out.append("all defaults");
      } else {
        HtmlTables.lines(target.configuration(), out);
      }
      out.append("</pre>\n");
      HtmlTables.files("Files that were written", target.files(), out);
    }
    out.append("</section>\n");
  }

  static void entry(String name, String value, StringBuilder out) {
    out.append(Text.format("<dt>%s</dt><dd><code>%s</code></dd>\n", name, Markup.text(value)));
  }

  private static String hash(String script) {
    try {
      byte[] bytes = script.getBytes(StandardCharsets.UTF_8);
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(name + " in the jar cannot be read", e);
    }
  }
}
