package dev.monoquant.core.render;

import com.google.gson.GsonBuilder;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.OutputSize;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.text.Text;
import dev.monoquant.spi.BesideFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The summary and the tables of one output in the HTML page. */
final class HtmlTables {

  /** The maximum number of weights of a page; a row takes about 700 bytes. */
  static final int MAX_ROWS = 2000;

  private static final int MAX_REASONS = 100;
  private static final int MAX_NAMES = 12;
  private static final int MAX_FILES = 200;

  private final Report report;
  private final Plan plan;
  private final int maxRows;

  /**
   * @param report the results of the output
   * @param outputs the number of outputs that share the page
   */
  HtmlTables(Report report, int outputs) {
    this.report = report;
    this.plan = report.plan();
    this.maxRows = Math.max(100, MAX_ROWS / outputs);
  }

  /** The numbers that a reader looks for first. */
  void tiles(String time, StringBuilder out) {
    long before = plan.wholeBytesBefore();
    long after = plan.wholeBytesAfter();
    out.append("<ul class=\"tiles\">\n");
    tile(Text.bytes(before) + " → " + Text.bytes(after), "size before and after", out);
    if (after > 0 && before != after) {
      tile(
          Text.ratio(before > after ? (double) before / after : (double) after / before),
          before > after ? "smaller" : "larger",
          out);
    }
    tile(
        report.weights().size() + " of " + (report.weights().size() + plan.kept().size()),
        "tensors quantized",
        out);
    report.weights().stream()
        .min(Comparator.comparingDouble(w -> w.errors().sqnrDb()))
        .ifPresent(
            worst ->
                tile(
                    Text.decibels(worst.errors().sqnrDb()) + " dB",
                    "lowest SQNR of a weight",
                    out));
    if (!report.weights().isEmpty()) {
      tile(Text.decibels(report.total().sqnrDb()) + " dB", "SQNR of all weights", out);
    }
    report.run().stream()
        .flatMap(ran -> ran.others().stream().map(ran::speedup))
        .findFirst()
        .ifPresent(speedup -> tile(Text.ratio(speedup), "speed of the original", out));
    if (!time.isEmpty()) {
      tile(time, "time", out);
    }
    out.append("</ul>\n");
  }

  static void tile(String value, String name, StringBuilder out) {
    out.append(Text.format("<li><b>%s</b> %s</li>\n", Markup.text(value), name));
  }

  void gates(StringBuilder out) {
    if (report.gates().isEmpty()) {
      return;
    }
    out.append("<h3>Gates</h3>\n<div class=\"wide\"><table><thead><tr><th>gate</th>");
    out.append("<th class=\"n\">limit</th><th class=\"n\">measured</th><th></th><th></th></tr>");
    out.append("</thead><tbody>\n");
    for (GateResult gate : report.gates()) {
      out.append(
          Text.format(
              "<tr%s><td class=\"whole\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>%s<td>%s</td></tr>\n",
              gate.passed() ? "" : " class=\"miss\"",
              Markup.text(gate.name()),
              gate.limitText(),
              gate.valueText(),
              gate.passed() ? "<td class=\"good\">passed</td>" : "<td class=\"bad\">missed</td>",
              Markup.text(gate.detail())));
    }
    out.append("</tbody></table></div>\n");
  }

  void weights(StringBuilder out) {
    List<WeightReport> weights = Depth.sorted(report.weights());
    if (weights.isEmpty()) {
      return;
    }
    out.append("<h3>Quantized weights</h3>\n");
    Set<String> shown = shown(weights);
    if (shown.size() < weights.size()) {
      out.append(
          Text.format(
              "<p class=\"soft\">The %d of %d weights with the lowest SQNR; the JSON form has"
                  + " all.</p>\n",
              shown.size(), weights.size()));
    }
    out.append("<div class=\"wide\"><table class=\"sort\"><thead><tr><th class=\"n\">depth</th>");
    out.append("<th>weight</th><th>kind</th><th>scheme</th><th>shape</th>");
    for (String title :
        List.of("before", "after", "ratio", "SQNR dB", "max error", "bound", "cosine")) {
      out.append("<th class=\"n\">").append(title).append("</th>");
    }
    out.append("</tr></thead><tbody>\n");
    for (int i = 0; i < weights.size(); i++) {
      if (shown.contains(weights.get(i).name())) {
        row(i + 1, weights.get(i), out);
      }
    }
    out.append("</tbody></table></div>\n");
  }

  /** The names of the weights to show: all, or those with the lowest SQNR. */
  private Set<String> shown(List<WeightReport> weights) {
    return weights.stream()
        .sorted(Comparator.comparingDouble(w -> w.errors().sqnrDb()))
        .limit(maxRows)
        .map(WeightReport::name)
        .collect(Collectors.toCollection(HashSet::new));
  }

  private static void row(int depth, WeightReport weight, StringBuilder out) {
    PlannedWeight planned = weight.planned();
    out.append("<tr>");
    number(depth, Integer.toString(depth), out);
    out.append("<td class=\"name\"><code>").append(Markup.text(weight.name()));
    out.append("</code></td>");
    cell(planned.weight().matrix().kind().name(), out);
    out.append("<td class=\"whole\" title=\"")
        .append(Markup.text(Text.scheme(planned.weight())))
        .append("\">");
    out.append(Markup.text(Text.shortScheme(planned.weight()))).append("</td>");
    cell(Text.shape(planned.weight().matrix().tensor().shape()), out);
    size(planned.bytesBefore(), out);
    size(planned.bytesAfter(), out);
    number(weight.compressionRatio(), Text.ratio(weight.compressionRatio()), out);
    number(weight.errors().sqnrDb(), Text.decibels(weight.errors().sqnrDb()), out);
    number(weight.errors().maxError(), Text.error(weight.errors().maxError()), out);
    number(weight.maxErrorBound(), Text.error(weight.maxErrorBound()), out);
    number(weight.errors().cosine(), Text.cosine(weight.errors().cosine()), out);
    out.append("</tr>\n");
  }

  private static void cell(String text, StringBuilder out) {
    out.append("<td>").append(Markup.text(text)).append("</td>");
  }

  private static void size(long bytes, StringBuilder out) {
    number((double) bytes, Text.bytes(bytes), out);
  }

  static void number(double value, String text, StringBuilder out) {
    out.append("<td class=\"n\" data-v=\"").append(value).append("\">").append(text);
    out.append("</td>");
  }

  /** The tensors left unquantized, by reason. */
  void kept(StringBuilder out) {
    if (plan.kept().isEmpty()) {
      return;
    }
    Map<String, List<UnquantizedTensor>> byReason = new LinkedHashMap<>();
    for (UnquantizedTensor tensor : plan.kept()) {
      byReason
          .computeIfAbsent(tensor.why().wire() + ": " + tensor.reason(), r -> new ArrayList<>())
          .add(tensor);
    }
    out.append("<h3>Left in float</h3>\n<div class=\"wide\"><table><thead><tr>");
    out.append("<th class=\"n\">tensors</th><th class=\"n\">size</th><th>reason</th>");
    out.append("<th>names</th></tr></thead><tbody>\n");
    byReason.entrySet().stream().limit(MAX_REASONS).forEach(e -> reason(e, out));
    out.append("</tbody></table></div>\n");
    if (byReason.size() > MAX_REASONS) {
      out.append(
          Text.format(
              "<p class=\"soft\">and %d more reasons; the JSON form has all.</p>\n",
              byReason.size() - MAX_REASONS));
    }
  }

  private static void reason(Map.Entry<String, List<UnquantizedTensor>> e, StringBuilder out) {
    List<UnquantizedTensor> tensors = e.getValue();
    out.append("<tr>");
    number(tensors.size(), Integer.toString(tensors.size()), out);
    long bytes = tensors.stream().mapToLong(t -> t.tensor().bytes()).sum();
    size(bytes, out);
    cell(e.getKey(), out);
    out.append("<td class=\"name\">");
    String names =
        tensors.stream()
            .limit(MAX_NAMES)
            .map(t -> "<code>" + Markup.text(t.tensor().name()) + "</code>")
            .collect(Collectors.joining(", "));
    out.append(names);
    if (tensors.size() > MAX_NAMES) {
      out.append(" and ").append(tensors.size() - MAX_NAMES).append(" more");
    }
    out.append("</td></tr>\n");
  }

  /** The files beside the tensors. */
  void beside(StringBuilder out) {
    List<BesideFile> files = plan.output().map(OutputSize::beside).orElse(List.of());
    if (files.isEmpty()) {
      return;
    }
    out.append("<h3>Files beside the tensors</h3>\n<div class=\"wide\"><table><thead><tr>");
    out.append("<th>file</th><th></th><th class=\"n\">size</th><th>why</th></tr></thead><tbody>\n");
    for (BesideFile file : files.subList(0, Math.min(files.size(), MAX_FILES))) {
      out.append("<tr><td class=\"name\"><code>").append(Markup.text(file.name()));
      out.append("</code></td>");
      cell(file.fate().wire(), out);
      size(file.bytes(), out);
      cell(file.reason(), out);
      out.append("</tr>\n");
    }
    out.append("</tbody></table></div>\n");
    more(files.size(), out);
  }

  static void files(String title, List<RunReport.ListedFile> files, StringBuilder out) {
    if (files.isEmpty()) {
      return;
    }
    out.append("<h3>").append(title).append("</h3>\n<div class=\"wide\"><table><thead><tr>");
    out.append("<th>file</th><th class=\"n\">bytes</th><th>SHA-256</th></tr></thead><tbody>\n");
    for (RunReport.ListedFile file : files.subList(0, Math.min(files.size(), MAX_FILES))) {
      out.append(
          Text.format(
              "<tr><td class=\"name\"><code>%s</code></td><td class=\"n\">%d</td>"
                  + "<td><code>%s</code></td></tr>\n",
              Markup.text(file.path()), file.bytes(), Markup.text(file.sha256().orElse("-"))));
    }
    out.append("</tbody></table></div>\n");
    more(files.size(), out);
  }

  private static void more(int files, StringBuilder out) {
    if (files > MAX_FILES) {
      out.append(
          Text.format(
              "<p class=\"soft\">and %d more; the JSON form has all.</p>\n", files - MAX_FILES));
    }
  }

  /** A configuration as JSON, line by line, because line ends are escaped elsewhere. */
  static void lines(Map<String, Object> configuration, StringBuilder out) {
    String json =
        new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(configuration);
    json.lines().forEach(line -> out.append(Markup.text(line)).append('\n'));
  }
}
