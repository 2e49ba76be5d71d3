package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The plans of several outputs of one model. A value without open files.
 *
 * @param outputs the outputs in the order in which they were given, at least one
 */
public record Plans(List<Entry> outputs) {

  /**
   * The plan of an output.
   *
   * @param target the path of the output
   * @param plan its plan
   */
  public record Entry(Path target, Plan plan) {

    /** Checks that nothing is null. */
    public Entry {
      requireNonNull(target, "target");
      requireNonNull(plan, "plan");
    }
  }

  /** Copies the list. */
  public Plans {
    outputs = List.copyOf(outputs);
  }

  /**
   * Checks that no problem prevents the run.
   *
   * @throws PlanException if any does, with all problems of all outputs; their subjects begin with
   *     the target
   */
  public void requireNoErrors() {
    if (outputs.size() == 1) {
      outputs.get(0).plan().requireNoErrors();
      return;
    }
    List<Problem> all = new ArrayList<>();
    for (Entry output : outputs) {
      for (Problem p : output.plan().problems()) {
        String subject = output.target() + ": " + p.subject();
        all.add(new Problem(p.severity(), subject, p.message(), p.remedy()));
      }
    }
    if (all.stream().anyMatch(p -> p.severity() == Problem.Severity.ERROR)) {
      throw new PlanException(all);
    }
  }

  /**
   * {@return the tables of all plans and a total, see {@link Plan#toTable(int)}}
   *
   * @param columns the width of a row
   */
  public String toTable(int columns) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < outputs.size(); i++) {
      appendTitle(i, outputs.size(), outputs.get(i).target(), out);
      out.append(outputs.get(i).plan().toTable(columns)).append('\n');
    }
    appendTotal(outputs.stream().map(Entry::plan).toList(), out);
    return out.toString();
  }

  static void appendTitle(int index, int count, Path target, StringBuilder out) {
    out.append(
        Text.format("output %d of %d: %s\n", index + 1, count, Text.name(target.toString())));
  }

  static void appendTotal(List<Plan> plans, StringBuilder out) {
    long after = plans.stream().mapToLong(Plan::wholeBytesAfter).sum();
    out.append(
        Text.format(
            "all %s: %s in one pass over %s\n",
            Text.count(plans.size(), "output"),
            Text.bytes(after),
            Text.bytes(plans.get(0).bytesBefore())));
  }

  /**
   * {@return one JSON object with the plans, see {@link Plan#toJson}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "plans",
   *   "outputs": [{"target": "out-fp8", ...}],  // each with the fields of a plan
   *   "total": {
   *     "bytes_before": 4000,            // of all tensors of the input, once
   *     "whole_bytes_after": 2880        // of all files of all outputs; of tensors where unknown
   *   }
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document(
        "plans",
        out -> {
          out.objects(
              "outputs",
              outputs,
              (fields, output) ->
                  output.plan().describe(fields.text("target", output.target().toString())));
          describeTotal(outputs.stream().map(Entry::plan).toList(), out);
        });
  }

  static void describeTotal(List<Plan> plans, Fields out) {
    out.object(
        "total",
        fields ->
            fields
                .integer("bytes_before", plans.get(0).bytesBefore())
                .integer(
                    "whole_bytes_after", plans.stream().mapToLong(Plan::wholeBytesAfter).sum()));
  }
}
