package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.text.Text;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * The results of a run with several outputs.
 *
 * @param outputs the outputs in the order in which they were given, at least one
 */
public record Reports(List<Entry> outputs) {

  /**
   * The result for an output.
   *
   * @param target the path of the output
   * @param report its report, as of a run of its own; errors may differ in their last digits, since
   *     their sums depend on the height of tiles
   * @param sharedWeights the number of its weights whose codes were also given to another output
   */
  public record Entry(Path target, Report report, int sharedWeights) {

    /** Checks that nothing is null. */
    public Entry {
      requireNonNull(target, "target");
      requireNonNull(report, "report");
    }
  }

  /** Copies the list. */
  public Reports {
    outputs = List.copyOf(outputs);
  }

  /** {@return whether all outputs are accepted, see {@link Report#accepted}} */
  public boolean accepted() {
    return outputs.stream().allMatch(output -> output.report().accepted());
  }

  /**
   * {@return the summaries of all outputs and a total, see {@link Report#toSummary}}
   *
   * @param columns the width of a line
   */
  public String toSummary(int columns) {
    return text(report -> report.toSummary(columns));
  }

  /**
   * {@return the full reports of all outputs and a total, see {@link Report#toTable(int)}}
   *
   * @param columns the width of a row
   */
  public String toTable(int columns) {
    return text(report -> report.toTable(columns));
  }

  private String text(Function<Report, String> form) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < outputs.size(); i++) {
      Entry output = outputs.get(i);
      Plans.appendTitle(i, outputs.size(), output.target(), out);
      out.append(form.apply(output.report()));
      if (output.sharedWeights() > 0) {
        out.append(
            Text.format(
                "encoded once, for this and another output: %s\n",
                Text.count(output.sharedWeights(), "weight")));
      }
      out.append('\n');
    }
    Plans.appendTotal(outputs.stream().map(output -> output.report().plan()).toList(), out);
    return out.toString();
  }

  /**
   * {@return the time and the throughput of the run, as text}
   *
   * @param elapsed from the start of the run to its end
   */
  public String speed(Duration elapsed) {
    return outputs.get(0).report().speed(elapsed);
  }
}
