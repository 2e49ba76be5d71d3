package dev.monoquant.core.render;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.TuneRunReport;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The forms of report files. Each writes one text in UTF-8 and escapes all that comes from a model
 * file. Thread-safe.
 */
public enum ReportForm {
  /** {@link RunReport#toJson} and {@link TuneRunReport#toJson}. */
  JSON(
      "json",
      "\\s{0,9}\\{\\s{0,9}\"schema\": \\d{1,9},\\s{0,9}\"kind\": \"(reports?|failure|tune)\","),
  /**
   * One HTML page without other files, with charts and tables. It is complete without JavaScript,
   * and bounded: of very many weights it shows those with the lowest SQNR and says how many there
   * are.
   */
  HTML("html", Pattern.quote(HtmlReport.START)),
  /**
   * XML that CI servers read as results of JUnit: a test case for each gate and for each quantized
   * weight.
   */
  JUNIT("xml", Pattern.quote(JunitReport.START)),
  /** A short summary in Markdown, for the page of a CI job or a pull request. */
  MARKDOWN("md", Pattern.quote(MarkdownReport.START));

  /** The number of bytes that {@link #isReport} needs. */
  public static final int START_LENGTH = 120;

  private final String ending;
  private final Pattern start;

  ReportForm(String ending, String start) {
    this.ending = ending;
    this.start = Pattern.compile(start);
  }

  /**
   * {@return the form that the name of a file asks for}
   *
   * @param file a file
   * @throws ConfigurationException if its name ends with none of the known endings
   */
  public static ReportForm of(Path file) {
    String name = String.valueOf(file.getFileName());
    String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    String known = ending.equals("htm") ? HTML.ending : ending;
    return Arrays.stream(values())
        .filter(form -> name.contains(".") && form.ending.equals(known))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "--report "
                        + QuantException.quote(file.toString())
                        + ": the name of a report must end with "
                        + Arrays.stream(values())
                            .map(form -> "." + form.ending)
                            .collect(Collectors.joining(", "))
                        + ". Example: --report report.html"));
  }

  /**
   * {@return the text of a report file}
   *
   * @param run what to report
   */
  public String render(RunReport run) {
    return switch (this) {
      case JSON -> run.toJson();
      case HTML -> new HtmlReport(run).toText();
      case JUNIT -> new JunitReport(run).toText();
      case MARKDOWN -> new MarkdownReport(run).toText();
    };
  }

  /**
   * {@return the text of a report file about a tuning}
   *
   * @param run what to report
   * @throws ConfigurationException of JUnit's form: a tuning has no test cases
   */
  public String render(TuneRunReport run) {
    return switch (this) {
      case JSON -> run.toJson();
      case HTML -> new TunePage(run).toHtml();
      case JUNIT ->
          throw new ConfigurationException(
              "a tuning has no test cases: give a report that ends with .json, .html or .md");
      case MARKDOWN -> new TunePage(run).toMarkdown();
    };
  }

  /**
   * {@return whether a file is an earlier report of this form, judged by its start}
   *
   * @param text the first {@value #START_LENGTH} bytes of the file or more, as text
   */
  public boolean isReport(String text) {
    return start.matcher(text).lookingAt();
  }
}
