package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a report tells of a run: the results, and where they come from. If the run failed before
 * there were results, the reasons. A value without open files.
 *
 * @param tool the program and its version, such as {@code monoquant 0.1.0}
 * @param input the input, as the user named it; may be empty
 * @param inputs the files of the input; empty if they were not looked at
 * @param targets the outputs in the order in which they were given
 * @param results the results for each target; empty if the run failed before
 * @param problems why the run failed; empty if it did not, or if the results tell
 * @param elapsed from the start of the run to its end; empty if it is not known
 */
public record RunReport(
    String tool,
    String input,
    List<ListedFile> inputs,
    List<Target> targets,
    Optional<Reports> results,
    List<Problem> problems,
    Optional<Duration> elapsed) {

  /**
   * A file that was read or written.
   *
   * @param path its path
   * @param bytes its size
   * @param sha256 its SHA-256 in 64 lower-case hexadecimal digits; empty if it was not computed
   */
  public record ListedFile(String path, long bytes, Optional<String> sha256) {

    /** Checks that nothing is null. */
    public ListedFile {
      requireNonNull(path, "path");
      requireNonNull(sha256, "sha256");
    }

    void describe(Fields out) {
      out.text("path", path).integer("bytes", bytes);
      sha256.ifPresentOrElse(hash -> out.text("sha256", hash), () -> out.nothing("sha256"));
    }
  }

  /**
   * An output.
   *
   * @param path its file or directory
   * @param configuration the recipe of its configuration, see {@link
   *     dev.monoquant.core.recipe.Recipe#toTree}
   * @param files the files that were written; empty if nothing was
   */
  public record Target(Path path, Map<String, Object> configuration, List<ListedFile> files) {

    /** Copies the collections. */
    public Target {
      requireNonNull(path, "path");
      configuration = Collections.unmodifiableMap(new LinkedHashMap<>(configuration));
      files = List.copyOf(files);
    }

    void describe(Fields out) {
      out.text("target", path.toString())
          .tree("configuration", configuration)
          .objects("files", files, (fields, file) -> file.describe(fields));
    }
  }

  /** Copies the lists and checks that there is a result for each target. */
  public RunReport {
    requireNonNull(tool, "tool");
    requireNonNull(input, "input");
    requireNonNull(elapsed, "elapsed");
    inputs = List.copyOf(inputs);
    targets = List.copyOf(targets);
    problems = List.copyOf(problems);
    int outputs = results.map(all -> all.outputs().size()).orElse(targets.size());
    if (outputs != targets.size()) {
      throw new IllegalArgumentException(
          outputs + " results for " + targets.size() + " targets were given");
    }
  }

  /** {@return whether there are results, and all outputs are accepted} */
  public boolean accepted() {
    return results.map(Reports::accepted).orElse(false) && problems.isEmpty();
  }

  /**
   * {@return the report of each output alone, in their order; each has the time of the whole run}
   */
  public List<RunReport> each() {
    List<RunReport> all = new ArrayList<>();
    for (int i = 0; i < targets.size(); i++) {
      int at = i;
      all.add(
          new RunReport(
              tool,
              input,
              inputs,
              List.of(targets.get(i)),
              results.map(r -> new Reports(List.of(r.outputs().get(at)))),
              problems,
              elapsed));
    }
    return all;
  }

  /**
   * {@return one JSON object, keys in a fixed order; non-finite numbers are {@code null}}
   *
   * <p>With results for one output, it is a {@linkplain Report#toJson report} with {@code tool},
   * {@code inputs}, {@code target}, {@code configuration}, {@code files} and {@code timing} in
   * addition. With results for several:
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "reports",
   *   "tool": "monoquant 0.1.0",
   *   "inputs": [...],
   *   "outputs": [{                      // each with the fields of a report
   *     "target": "out-fp8",
   *     "shared_weights": 0,             // whose codes were also given to another output
   *     ...
   *   }],
   *   "total": {
   *     "bytes_before": 4000,            // of all tensors of the input, once
   *     "whole_bytes_after": 2880        // of all files of all outputs; of tensors where unknown
   *   },
   *   "timing": {...}                    // of all outputs together
   * }
   * </pre>
   *
   * <p>Without results:
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "failure",
   *   "tool": "monoquant 0.1.0",
   *   "input": "model.safetensors",
   *   "inputs": [{"path": "model.safetensors", "bytes": 4100, "sha256": null}],
   *   "outputs": [{
   *     "target": "model-int8.safetensors",
   *     "configuration": {"scheme": "int8"},
   *     "files": []                      // what was written, like inputs
   *   }],
   *   "timing": {"elapsed_seconds": 1.5},  // the only field that differs between equal runs
   *   "problems": [{"severity": "error", "subject": "", "message": "", "remedy": ""}]
   * }
   * </pre>
   */
  public String toJson() {
    if (results.isEmpty()) {
      return Fields.document("failure", this::describeFailure);
    }
    List<Reports.Entry> entries = results.get().outputs();
    return entries.size() == 1
        ? Fields.document("report", out -> describeOne(entries.get(0).report(), out))
        : Fields.document("reports", out -> describeAll(entries, out));
  }

  private void describeHead(Fields out) {
    out.text("tool", tool).objects("inputs", inputs, (fields, file) -> file.describe(fields));
  }

  private void describeFailure(Fields out) {
    describeHead(out.text("input", input));
    out.objects("outputs", targets, (fields, target) -> target.describe(fields));
    elapsed.ifPresent(
        time ->
            out.object("timing", fields -> fields.number("elapsed_seconds", time.toNanos() / 1e9)));
    Described.problems(out, "problems", problems);
  }

  private void describeOne(Report report, Fields out) {
    describeHead(out);
    targets.get(0).describe(out);
    report.describe(out);
    elapsed.ifPresent(time -> report.describeTime(time, out));
  }

  private void describeAll(List<Reports.Entry> entries, Fields out) {
    describeHead(out);
    Map<Path, Target> byPath = new LinkedHashMap<>();
    targets.forEach(target -> byPath.put(target.path(), target));
    out.objects(
        "outputs",
        entries,
        (fields, entry) -> {
          requireNonNull(byPath.get(entry.target()), "target").describe(fields);
          fields.integer("shared_weights", entry.sharedWeights());
          entry.report().describe(fields);
        });
    Plans.describeTotal(entries.stream().map(entry -> entry.report().plan()).toList(), out);
    elapsed.ifPresent(time -> entries.get(0).report().describeTime(time, out));
  }

  /** {@return the time of the run as text, such as {@code 1.5 s}; empty if it is not known} */
  public String time() {
    return elapsed.map(time -> Text.format("%.1f s", time.toNanos() / 1e9)).orElse("");
  }
}
