package dev.monoquant.core.report;

import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import java.util.List;

/**
 * The result of a side-by-side run: models that ran in turns on the same inputs in one process.
 *
 * <p>Times depend on the machine and its load; the ratio of two models that run in turns depends on
 * them much less. Outputs are compared in double with those of the first model.
 *
 * @param inputs a description of the inputs
 * @param rounds the number of timed rounds, after some untimed ones
 * @param models the models in the given order; the first is the reference
 * @param problems warnings about models that are slower than the reference; empty in a {@link
 *     Report}, which has them among its own
 */
public record RunComparison(
    String inputs, int rounds, List<RunResult> models, List<Problem> problems) {

  private static final double NANOS_PER_MILLI = 1e6;

  private static final String[] TITLES = {
    "model",
    ">file",
    ">median",
    "?>fastest",
    ">speed-up",
    "?>half of rounds",
    ">output cosine",
    ">SQNR dB",
    "?>max difference"
  };

  /** Copies the lists; that of the models is not empty. */
  public RunComparison {
    models = List.copyOf(models);
    problems = List.copyOf(problems);
    if (models.isEmpty()) {
      throw new IllegalArgumentException("no model ran");
    }
  }

  /** {@return the model that the others are compared with} */
  public RunResult reference() {
    return models.get(0);
  }

  /** {@return the same with these warnings} */
  public RunComparison with(List<Problem> warnings) {
    return new RunComparison(inputs, rounds, models, warnings);
  }

  /** {@return the models that are compared with the reference} */
  public List<RunResult> others() {
    return models.subList(1, models.size());
  }

  /**
   * {@return the speed-up of a model over the reference, from the medians}
   *
   * @param model one of the models
   */
  public double speedup(RunResult model) {
    return (double) reference().medianNanos() / Math.max(1, model.medianNanos());
  }

  /** {@return a text table, without colours, with lines that end in {@code \n}} */
  public String toTable() {
    return toTable(Integer.MAX_VALUE);
  }

  /**
   * {@return a text table for a terminal}
   *
   * @param columns the width of a row; columns of the table that do not fit are left out, and names
   *     are shortened
   */
  public String toTable(int columns) {
    StringBuilder out = new StringBuilder();
    appendHead(out);
    TextTable table = new TextTable(TITLES);
    for (int i = 0; i < models.size(); i++) {
      table.row(cells(models.get(i), i > 0));
    }
    table.appendTo(out, columns);
    appendStart(out);
    Text.problems(problems, out);
    return out.toString();
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "run",
   *   "inputs": "samples.safetensors",
   *   "rounds": 25,
   *   "models": [{
   *     "name": "model.pt", "file_bytes": 1000,
   *     "median_ns": 13000000, "fastest_ns": 12000000, "slowest_ns": 15000000,
   *     "speedup": 2.9,                  // relative to the first
   *     "speedup_low": 2.8, "speedup_high": 3.1,  // between them lie half of the rounds
   *     "load_ns": 90000000, "first_two_calls_ns": 80000000,
   *     "outputs": {"elements": 10, "sqnr_db": 31.2, "max_error": 0.02, "cosine": 0.9991},
   *     "mismatched": 0                  // finite in only one of them
   *   }],
   *   "problems": [{"severity": "warning", "subject": "", "message": "", "remedy": ""}]
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document(
        "run",
        out -> {
          describe(out);
          Described.problems(out, "problems", problems);
        });
  }

  void describe(Fields out) {
    out.text("inputs", inputs)
        .integer("rounds", rounds)
        .objects(
            "models",
            models,
            (fields, model) ->
                fields
                    .text("name", model.name())
                    .integer("file_bytes", model.fileBytes())
                    .integer("median_ns", model.medianNanos())
                    .integer("fastest_ns", model.fastestNanos())
                    .integer("slowest_ns", model.spread().slowestNanos())
                    .number("speedup", speedup(model))
                    .number("speedup_low", model.spread().lowSpeedup())
                    .number("speedup_high", model.spread().highSpeedup())
                    .integer("load_ns", model.loadNanos())
                    .integer("first_two_calls_ns", model.firstNanos())
                    .object("outputs", o -> Described.errors(o, model.outputs()))
                    .integer("mismatched", model.mismatched()));
  }

  /** A line for each model but the reference. */
  void appendShortTo(StringBuilder out) {
    for (RunResult model : others()) {
      out.append(
          Text.format(
              "run on %s, %s: %.2fx the speed of the original, output cosine %s, SQNR %s dB\n",
              Text.line(inputs),
              Text.count(rounds, "round"),
              speedup(model),
              Text.cosine(model.outputs().cosine()),
              Text.decibels(model.outputs().sqnrDb())));
    }
  }

  private String[] cells(RunResult model, boolean other) {
    return new String[] {
      Text.name(model.name()),
      Text.bytes(model.fileBytes()),
      millis(model.medianNanos()),
      millis(model.fastestNanos()),
      Text.format("%.2fx", speedup(model)),
      other ? spread(model) : "",
      other ? Text.cosine(model.outputs().cosine()) : "",
      other ? Text.decibels(model.outputs().sqnrDb()) : "",
      other ? Text.error(model.outputs().maxError()) : ""
    };
  }

  private void appendStart(StringBuilder out) {
    for (RunResult model : models) {
      out.append(
          Text.format(
              "%s: loaded in %s, the first two calls took %s\n",
              Text.name(model.name()), millis(model.loadNanos()), millis(model.firstNanos())));
    }
  }

  private void appendHead(StringBuilder out) {
    out.append(
        Text.format("run on %s, %s in turns\n", Text.line(inputs), Text.count(rounds, "round")));
  }

  private static String spread(RunResult model) {
    return Text.format("%.2fx to %.2fx", model.spread().lowSpeedup(), model.spread().highSpeedup());
  }

  private static String millis(long nanos) {
    return Text.format("%.3f ms", nanos / NANOS_PER_MILLI);
  }
}
