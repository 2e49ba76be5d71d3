package dev.monoquant.core;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;

/**
 * Models that ran side by side, as a table and as JSON:
 *
 * <pre>
 * {
 *   "inputs": "samples.safetensors",
 *   "rounds": 25,
 *   "models": [{
 *     "name": "model.pt", "file_bytes": 1000,
 *     "median_ns": 13000000, "fastest_ns": 12000000, "speedup": 2.9,  // against the first
 *     "outputs": {"elements": 10, "sqnr_db": 31.2, "max_error": 0.02, "cosine": 0.9991},
 *     "mismatched": 0                  // finite in one and not in the other
 *   }]
 * }
 * </pre>
 */
final class RunText {

  private static final double NANOS_PER_MILLI = 1e6;

  private RunText() {}

  static String table(RunComparison run) {
    StringBuilder out = new StringBuilder();
    appendTo(out, run);
    return out.toString();
  }

  static void appendTo(StringBuilder out, RunComparison run) {
    out.append(
        Text.format(
            "run on %s, %s in turns\n",
            Text.line(run.inputs()), Text.count(run.rounds(), "round")));
    TextTable table =
        new TextTable(
            "model",
            ">file",
            ">median",
            ">fastest",
            ">speed-up",
            ">output cosine",
            ">SQNR dB",
            ">max difference");
    row(table, run, run.reference(), "", "", "");
    for (RunResult model : run.others()) {
      row(
          table,
          run,
          model,
          Text.cosine(model.outputs().cosine()),
          Text.decibels(model.outputs().sqnrDb()),
          Text.error(model.outputs().maxError()));
    }
    table.appendTo(out);
  }

  private static void row(
      TextTable table, RunComparison run, RunResult model, String cosine, String db, String max) {
    table.row(
        Text.name(model.name()),
        Text.bytes(model.fileBytes()),
        millis(model.medianNanos()),
        millis(model.fastestNanos()),
        Text.format("%.2fx", run.speedup(model)),
        cosine,
        db,
        max);
  }

  static String json(RunComparison run) {
    return JsonText.document("run", json -> fields(json, run));
  }

  static void fields(JsonWriter json, RunComparison run) throws IOException {
    json.name("inputs").value(run.inputs());
    json.name("rounds").value(run.rounds());
    json.name("models").beginArray();
    for (RunResult model : run.models()) {
      json.beginObject();
      json.name("name").value(model.name());
      json.name("file_bytes").value(model.fileBytes());
      json.name("median_ns").value(model.medianNanos());
      json.name("fastest_ns").value(model.fastestNanos());
      JsonText.number(json, "speedup", run.speedup(model));
      json.name("outputs");
      JsonText.errors(json, model.outputs());
      json.name("mismatched").value(model.mismatched());
      json.endObject();
    }
    json.endArray();
  }

  private static String millis(long nanos) {
    return Text.format("%.3f ms", nanos / NANOS_PER_MILLI);
  }
}
