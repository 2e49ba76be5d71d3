package dev.monoquant.core.render;

import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.core.report.TuneReport.Size;
import dev.monoquant.core.report.TuneRunReport;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A report of a tuning, as one HTML page without other files, or as a summary in Markdown. Both are
 * bounded, whatever the model.
 */
final class TunePage {

  private static final int MAX_ROWS = 2000;
  private static final int MAX_NAMES = 12;
  private static final int MAX_NOTES = 200;
  private static final int WORST = 5;

  /**
   * How many times the distance of the chosen point from a cosine of 1 the near chart shows, and
   * its part.
   */
  private static final double NEAR = 4;

  private static final double CHOSEN_RADIUS = 7;

  private final TuneRunReport run;
  private final TuneReport tuned;
  private final Size chosen;

  TunePage(TuneRunReport run) {
    this.run = run;
    this.tuned = run.result();
    this.chosen = tuned.chosen();
  }

  String toHtml() {
    return HtmlReport.page("Tuning of " + run.input(), this::body);
  }

  private void body(StringBuilder out) {
    out.append("<header>\n<h1>Tuning report</h1>\n<p class=\"soft\"><code>");
    out.append(Markup.text(run.input())).append("</code> · ").append(Markup.text(run.tool()));
    out.append(" · ").append(time()).append("</p>\n<p>Asked for: ");
    out.append(Markup.text(run.target())).append(".</p>\n</header>\n<ul class=\"tiles\">\n");
    HtmlTables.tile(part(chosen) + " of the size", "bytes of all tensors", out);
    HtmlTables.tile(Text.format("%.2f", chosen.bits()), "bits for each number", out);
    HtmlTables.tile(cosine(chosen), chosen.measured().isPresent() ? "cosine" : "expected", out);
    HtmlTables.tile(
        quantized() + " of " + Text.count(layers(tuned.families()), "layer"), "quantized", out);
    HtmlTables.tile(time(), "time", out);
    out.append("</ul>\n");
    notes(out);
    charts(out);
    families(out);
    curve(out);
    out.append("<section>\n<h2>Where it came from</h2>\n<dl>\n");
    HtmlReport.entry("tool", run.tool(), out);
    HtmlReport.entry("input", run.input(), out);
    out.append("</dl>\n<h3>The recipe</h3>\n<pre>");
    HtmlTables.lines(Recipe.toTree(tuned.config()), out);
    out.append("</pre>\n</section>\n");
  }

  private void notes(StringBuilder out) {
    if (tuned.notes().isEmpty()) {
      return;
    }
    out.append("<h3>Notes</h3>\n<ul>\n");
    tuned.notes().stream()
        .limit(MAX_NOTES)
        .forEach(note -> out.append("<li>").append(Markup.text(note)).append("</li>\n"));
    if (tuned.notes().size() > MAX_NOTES) {
      out.append(Text.format("<li>and %d more</li>\n", tuned.notes().size() - MAX_NOTES));
    }
    out.append("</ul>\n");
  }

  private void charts(StringBuilder out) {
    out.append("<div class=\"charts\">\n");
    chart("Size against cosine", tuned.curve(), out);
    double away = 1 - best(chosen);
    List<Size> near =
        tuned.curve().stream()
            .filter(s -> 1 - s.expected() <= away * NEAR && 1 - s.expected() >= away / NEAR)
            .toList();
    if (near.size() > 2 && near.size() < tuned.curve().size()) {
      chart("The same near the choice", near, out);
    }
    out.append("</div>\n");
  }

  private void chart(String title, List<Size> sizes, StringBuilder out) {
    List<Chart.Point> points = new ArrayList<>();
    for (Size size : sizes.subList(0, Math.min(sizes.size(), MAX_ROWS))) {
      String text = part(size) + " of the size, expected cosine ";
      points.add(
          new Chart.Point(
              size.size(), size.expected(), 0, text + Text.format("%.6f", size.expected())));
    }
    for (Size size : sizes) {
      if (size.measured().isPresent() && !size.equals(chosen)) {
        points.add(new Chart.Point(size.size(), size.measured().getAsDouble(), 1, told(size)));
      }
    }
    points.add(
        new Chart.Point(chosen.size(), best(chosen), 2, "chosen: " + told(chosen), CHOSEN_RADIUS));
    out.append("<figure><h3>").append(title).append("</h3>\n");
    new Chart.Scatter(
            title + ": " + Text.count(sizes.size(), "point"),
            axis(points.stream().map(Chart.Point::x).toList()),
            axis(points.stream().map(Chart.Point::y).toList()),
            List.of("part of the original size", "cosine"),
            points,
            Optional.empty(),
            Chart.Scatter.Line.CURVE)
        .appendTo(out);
    out.append("<figcaption><span class=\"key s0\"></span>expected, if costs add up");
    out.append("<span class=\"key s1\"></span>measured");
    out.append("<span class=\"key s2\"></span>chosen. Up and left is better.");
    out.append("</figcaption></figure>\n");
  }

  private static Axis axis(List<Double> numbers) {
    return Axis.linear(
        numbers.stream().min(Comparator.naturalOrder()).orElse(0.0),
        numbers.stream().max(Comparator.naturalOrder()).orElse(1.0));
  }

  private void families(StringBuilder out) {
    out.append(
        "<h3>Layers</h3>\n<p class=\"soft\">The cost is what the option takes from a cosine");
    out.append(" of 1, measured with these layers alone.</p>\n<div class=\"wide\">");
    out.append("<table class=\"sort\"><thead><tr><th class=\"n\">depth</th><th>layer</th>");
    out.append("<th>option</th><th class=\"n\">cost</th></tr></thead><tbody>\n");
    List<TuneReport.Chosen> all = tuned.families();
    for (int i = 0; i < Math.min(all.size(), MAX_ROWS); i++) {
      TuneReport.Chosen family = all.get(i);
      out.append("<tr>");
      HtmlTables.number(i + 1, Integer.toString(i + 1), out);
      out.append("<td class=\"name\"><code>");
      out.append(Markup.text(Text.names(family.layers(), MAX_NAMES))).append("</code></td><td>");
      out.append(Markup.text(family.option())).append("</td>");
      HtmlTables.number(family.cost(), Text.format("%.2e", family.cost()), out);
      out.append("</tr>\n");
    }
    out.append("</tbody></table></div>\n");
    more(all.size(), out);
  }

  private void curve(StringBuilder out) {
    out.append("<h3>The curve</h3>\n<p class=\"soft\">");
    out.append(
        tuned.gap() == 0
            ? "No choice of these options within its bytes has a smaller sum of costs.</p>\n"
            : Text.format(
                "The sum of costs of the choice is at most %.2e above the least for its bytes.</p>\n",
                tuned.gap()));
    out.append("<div class=\"wide\"><table class=\"plain\"><thead><tr><th class=\"n\">size</th>");
    out.append("<th class=\"n\">bits</th><th class=\"n\">expected cosine</th>");
    out.append("<th class=\"n\">measured</th><th></th></tr></thead><tbody>\n");
    tuned.curve().stream().limit(MAX_ROWS).forEach(size -> row(size, out));
    if (!tuned.curve().contains(chosen)) {
      row(chosen, out);
    }
    out.append("</tbody></table></div>\n");
    more(tuned.curve().size(), out);
  }

  private void row(Size size, StringBuilder out) {
    out.append("<tr>");
    HtmlTables.number(size.size(), part(size), out);
    HtmlTables.number(size.bits(), Text.format("%.3f", size.bits()), out);
    HtmlTables.number(size.expected(), Text.format("%.6f", size.expected()), out);
    String measured = size.measured().isPresent() ? cosine(size) : "";
    HtmlTables.number(best(size), measured, out);
    out.append(size.equals(chosen) ? "<td class=\"good\">chosen</td>" : "<td></td>");
    out.append("</tr>\n");
  }

  private static void more(int rows, StringBuilder out) {
    if (rows > MAX_ROWS) {
      out.append(
          Text.format(
              "<p class=\"soft\">and %d more; the JSON form has all.</p>\n", rows - MAX_ROWS));
    }
  }

  String toMarkdown() {
    StringBuilder out = new StringBuilder(MarkdownReport.START);
    out.append("## ✅ ").append(MarkdownReport.name(run.input())).append(" was tuned\n\n");
    out.append(Markup.markdown("Asked for: " + run.target() + ". Chosen: " + told(chosen) + "."))
        .append("\n\n");
    Map<String, List<TuneReport.Chosen>> options = new TreeMap<>();
    tuned
        .families()
        .forEach(f -> options.computeIfAbsent(f.option(), o -> new ArrayList<>()).add(f));
    out.append("| option | layers |\n|---|--:|\n");
    options.forEach(
        (option, all) ->
            out.append(Text.format("| %s | %d |\n", Markup.markdown(option), layers(all))));
    out.append("\n| layers with the highest cost | option | cost |\n|---|---|--:|\n");
    tuned.families().stream()
        .sorted(Comparator.comparingDouble(family -> -family.cost()))
        .limit(WORST)
        .forEach(
            family ->
                out.append(
                    Text.format(
                        "| %s | %s | %.2e |\n",
                        MarkdownReport.name(Text.names(family.layers(), 2)),
                        Markup.markdown(family.option()),
                        family.cost())));
    if (!tuned.notes().isEmpty()) {
      out.append('\n').append(Text.count(tuned.notes().size(), "note")).append(": ");
      out.append(MarkdownReport.text(tuned.notes().get(0))).append('\n');
    }
    return out.append("\n<sub>")
        .append(Markup.markdown(run.tool() + ", " + time()))
        .append("</sub>\n")
        .toString();
  }

  private int quantized() {
    return layers(tuned.families().stream().filter(f -> !f.option().equals("float")).toList());
  }

  private static int layers(List<TuneReport.Chosen> families) {
    return families.stream().mapToInt(family -> family.layers().size()).sum();
  }

  private static String told(Size size) {
    return Text.format(
        "%s of the size, %.3f bits for each number, cosine %s %s",
        part(size),
        size.bits(),
        cosine(size),
        size.measured().isPresent() ? "measured" : "expected");
  }

  private static String part(Size size) {
    return Text.format("%.2f %%", 100 * size.size());
  }

  private static String cosine(Size size) {
    return Text.format("%.6f", best(size));
  }

  private static double best(Size size) {
    return size.measured().orElse(size.expected());
  }

  private String time() {
    return Text.format("%.1f s", run.elapsed().toNanos() / 1e9);
  }
}
