package dev.monoquant.maven;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Lists the reports of all modules of the build on one page, {@code target/quant/index.html}, with
 * sizes and the lowest SQNR of each model.
 */
@Mojo(name = "report", aggregator = true, threadSafe = true)
public final class ReportMojo extends AbstractMojo {

  /** Skips the goal. */
  @Parameter(property = "quant.skip", defaultValue = "false")
  boolean skip;

  @Parameter(defaultValue = "${reactorProjects}", readonly = true)
  List<MavenProject> projects = new ArrayList<>();

  /** The page. */
  @Parameter(defaultValue = "${project.build.directory}/quant/index.html")
  File page = new File("");

  /** Made by Maven. */
  public ReportMojo() {}

  @Override
  public void execute() throws MojoExecutionException {
    if (skip) {
      getLog().info("skipped");
      return;
    }
    List<Path> folders = new ArrayList<>();
    for (MavenProject project : projects) {
      folders.add(Path.of(project.getBuild().getDirectory(), "quant"));
    }
    try {
      Path file = page.toPath().toAbsolutePath();
      Path folder = Objects.requireNonNull(file.getParent());
      Files.createDirectories(folder);
      String text = page(folder, folders);
      Files.writeString(file, text);
      getLog().info("wrote " + file);
      if (!text.contains("<td>")) {
        getLog().warn("it is empty: no execution of quantize has written a report.");
        getLog().warn("Make the models first, for example with mvn process-resources");
      }
    } catch (IOException | IllegalStateException e) {
      throw new MojoExecutionException("the reports are not listed: " + Words.reason(e), e);
    }
  }

  /**
   * {@return the text of the page}
   *
   * @param from the folder of the page, for links
   * @param folders the folders with reports
   */
  static String page(Path from, List<Path> folders) throws IOException {
    StringBuilder out =
        new StringBuilder(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>Quantized models</title>
            <style>:root{color-scheme:light dark} body{font:15px/1.5 system-ui,sans-serif;margin:2rem}
            td,th{padding:.3rem .8rem;text-align:left} .n{text-align:right}</style></head>
            <body><h1>Quantized models</h1>
            <table><thead><tr><th>output</th><th>model</th><th class="n">bytes before</th>
            <th class="n">bytes after</th><th class="n">lowest SQNR dB</th><th></th></tr></thead><tbody>
            """);
    for (Path folder : folders) {
      if (Files.isDirectory(folder)) {
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
            try {
              rows(from, file, out);
            } catch (RuntimeException e) {
              throw new IllegalStateException(
                  file + " is no report: " + e + ". Delete it and build again", e);
            }
          }
        }
      }
    }
    return out.append("</tbody></table></body></html>\n").toString();
  }

  private static void rows(Path from, Path file, StringBuilder out) throws IOException {
    JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    String name = String.valueOf(file.getFileName()).replaceFirst("json$", "html");
    String link = from.relativize(file.resolveSibling(name)).toString().replace('\\', '/');
    switch (json.get("kind").getAsString()) {
      case "report" -> row(link, json, out);
      case "reports" ->
          json.getAsJsonArray("outputs").forEach(one -> row(link, one.getAsJsonObject(), out));
      case "failure" ->
          out.append(
              String.format(
                  "<tr><td><a href=\"%s\">failed</a></td><td>%s</td></tr>\n",
                  escaped(link), escaped(json.get("input").getAsString())));
      default -> {}
    }
  }

  private static void row(String link, JsonObject report, StringBuilder out) {
    double lowest = Double.POSITIVE_INFINITY;
    for (JsonElement weight : report.getAsJsonArray("weights")) {
      JsonElement sqnr = weight.getAsJsonObject().getAsJsonObject("errors").get("sqnr_db");
      lowest = sqnr.isJsonNull() ? lowest : Math.min(lowest, sqnr.getAsDouble());
    }
    boolean written = !report.getAsJsonArray("files").isEmpty();
    out.append(
        String.format(
            Locale.ROOT,
            "<tr><td><a href=\"%s\">%s</a></td><td>%s</td><td class=\"n\">%d</td>"
                + "<td class=\"n\">%d</td><td class=\"n\">%s</td><td>%s</td></tr>\n",
            escaped(link),
            escaped(report.get("target").getAsString()),
            escaped(report.get("input").getAsString()),
            report.get("whole_bytes_before").getAsLong(),
            report.get("whole_bytes_after").getAsLong(),
            Double.isInfinite(lowest) ? "-" : String.format(Locale.ROOT, "%.2f", lowest),
            written ? "" : "refused"));
  }

  /** Names may come from anywhere. */
  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
