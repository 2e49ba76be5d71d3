package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.core.render.ReportForm;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.files.input.FileFault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options for report files. They are written even if the run fails. */
final class ReportOptions {

  /** In the name of a report: one for each output, with its name here. */
  private static final String EACH = "{output}";

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description =
          "Also write a report, even if a gate is missed: .json, .html (one page with charts), .xml"
              + " (test results for CI servers) or .md. May be repeated. {output} in its name stands for"
              + " the name of an output: each has a report of its own. An earlier report is"
              + " replaced, any other file only with --force.")
  private List<Path> files = new ArrayList<>();

  @Option(
      names = "--summary",
      paramLabel = "FILE",
      description =
          "Append a summary in Markdown to this file. Default: the file that the environment"
              + " variable GITHUB_STEP_SUMMARY names, if it is set.")
  private @Nullable Path summary;

  boolean isEmpty() {
    return files.isEmpty();
  }

  /** Whether a file of reports or a summary will be written. */
  boolean isWanted() {
    return !files.isEmpty() || page().isPresent();
  }

  private Optional<Path> page() {
    return Optional.ofNullable(summary).or(GitHub.HERE::summary);
  }

  /**
   * Refuses, before the run, files that cannot or must not be written.
   *
   * @param input the model, which is never written
   * @param outputs the outputs of the run
   * @param force whether to replace files that are no reports
   */
  void check(Path input, List<Path> outputs, boolean force) {
    Set<Path> seen = new HashSet<>();
    for (Path file : files) {
      for (Path place : isForEach(file) ? places(file, outputs) : List.of(file)) {
        for (Path output : outputs) {
          ReportFile.check(place, input, output, force);
        }
        if (!seen.add(place.toAbsolutePath().normalize())) {
          throw new ConfigurationException(
              "--report "
                  + place
                  + " is given twice"
                  + (isForEach(file) ? ", by " + EACH + " for outputs with the same name" : "")
                  + ". Give each report a name of its own");
        }
      }
    }
    if (summary != null) {
      for (Path output : outputs) {
        ReportFile.requireApart("--summary", summary, input, output);
      }
    }
  }

  /** Refuses, before the run, reports of a form that the command does not have. */
  void requireNone(ReportForm form, String why) {
    for (Path file : files) {
      if (ReportForm.of(file) == form) {
        throw new ConfigurationException("--report " + file + ": " + why);
      }
    }
  }

  private static boolean isForEach(Path file) {
    return String.valueOf(file.getFileName()).contains(EACH);
  }

  private static List<Path> places(Path file, List<Path> outputs) {
    return outputs.stream().map(output -> place(file, output)).toList();
  }

  private static Path place(Path file, Path output) {
    String name = String.valueOf(output.toAbsolutePath().normalize().getFileName());
    return file.resolveSibling(String.valueOf(file.getFileName()).replace(EACH, name));
  }

  /**
   * Writes all reports of a run with outputs.
   *
   * @param run what to report
   * @param model whether the model was written, for messages
   * @throws OutputException if one could not be written; the others are written first
   */
  void write(RunReport run, String model) {
    Map<Path, Supplier<String>> texts = new LinkedHashMap<>();
    for (Path file : files) {
      ReportForm form = ReportForm.of(file);
      if (isForEach(file)) {
        for (RunReport one : run.each()) {
          texts.put(place(file, one.targets().get(0).path()), () -> form.render(one));
        }
      } else {
        texts.put(file, () -> form.render(run));
      }
    }
    write(texts, () -> ReportForm.MARKDOWN.render(run), model);
  }

  /**
   * Writes all reports of a command that makes one.
   *
   * @param render makes the text of a form
   * @param model whether the model was written, for messages
   * @throws OutputException if one could not be written; the others are written first
   */
  void write(Function<ReportForm, String> render, String model) {
    Map<Path, Supplier<String>> texts = new LinkedHashMap<>();
    files.forEach(file -> texts.put(file, () -> render.apply(ReportForm.of(file))));
    write(texts, () -> render.apply(ReportForm.MARKDOWN), model);
  }

  private void write(Map<Path, Supplier<String>> texts, Supplier<String> markdown, String model) {
    List<OutputException> failures = new ArrayList<>();
    for (Map.Entry<Path, Supplier<String>> file : texts.entrySet()) {
      try {
        ReportFile.write(file.getKey(), file.getValue().get(), model);
      } catch (OutputException e) {
        failures.add(e);
      }
    }
    Optional<Path> page = page();
    if (page.isPresent()) {
      try {
        append(page.get(), markdown.get(), model);
      } catch (OutputException e) {
        failures.add(e);
      }
    }
    if (!failures.isEmpty()) {
      failures.subList(1, failures.size()).forEach(failures.get(0)::addSuppressed);
      throw failures.get(0);
    }
  }

  private static void append(Path file, String text, String model) {
    try {
      byte[] bytes = (text + "\n").getBytes(StandardCharsets.UTF_8);
      Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new OutputException(
          "--summary " + file + ": " + FileFault.writing(e) + ". " + model, e);
    }
  }
}
