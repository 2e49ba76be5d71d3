package dev.monoquant.core;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A report or a plan as one JSON object. Keys come in this order; {@code // report} marks those
 * that a plan lacks, {@code // plan} those that a report lacks. A number that is not finite is
 * null.
 *
 * <pre>
 * {
 *   "schema": 1,
 *   "kind": "report",                  // or "plan"
 *   "input": "model.safetensors",      // as the user named it
 *   "input_format": "safetensors",
 *   "output_format": "compressed-tensors",  // empty if none was asked for
 *   "output_bytes": 1234,              // of all tensor files, with headers; null if not known
 *   "bytes_before": 4000,              // of all tensors
 *   "bytes_after": 1200,
 *   "compression_ratio": 3.33,         // before by after, 1 for a model without bytes
 *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},  // report
 *   "weights": [{
 *     "name": "fc.weight", "type": "F32", "shape": [10, 100], "bytes": 4000, "file": "",
 *     "layer": "fc", "layer_kind": "Linear",
 *     "scheme": "int8@1", "bits": 8, "symmetric": true, "granularity": "channel",
 *     "profile": "compressed-tensors", "options": {},
 *     "storage": {},                   // options of the output format's own
 *     "parts": [{"name": "codes", "type": "I8", "shape": [10, 100]}],
 *     "packed_bytes": 1040,
 *     "evidence": "inferred",          // or declared, given: how the kind is known
 *     "quantizer": "linear",
 *     "remark": "",                    // of the output format: how it is stored or executed
 *     "errors": {...},                 // report; as above
 *     "max_error_bound": 0.02          // report; null if the scheme declares none
 *   }],
 *   "kept": [{
 *     "name": "fc.bias", "type": "F32", "shape": [10], "bytes": 40, "file": "",
 *     "layer": "fc", "layer_kind": "Linear",
 *     "why": "not-a-weight",           // or excluded, too-small, unsupported, non-finite
 *     "reason": "..."
 *   }],
 *   "kept_counts": {"not-a-weight": 1},
 *   "run": {"inputs": "...", "rounds": 25, "models": [{...}]},  // report; null if not run
 *   "gates": [{"name": "min-sqnr", "limit": 30, "value": 41.3, "passed": true, "detail": ""}],  // report
 *   "problems": [{"severity": "warning", "subject": "", "message": "", "remedy": ""}]  // or note, error
 * }
 * </pre>
 */
final class ReportJson {

  private ReportJson() {}

  static String of(Report report) {
    return JsonText.document(
        "report",
        json -> {
          head(json, report.plan());
          json.name("errors");
          JsonText.errors(json, report.total());
          json.name("weights").beginArray();
          for (WeightReport weight : report.weights()) {
            json.beginObject();
            planned(json, weight.planned());
            json.name("errors");
            JsonText.errors(json, weight.errors());
            JsonText.number(json, "max_error_bound", weight.maxErrorBound());
            json.endObject();
          }
          json.endArray();
          kept(json, report.plan().kept());
          json.name("run");
          if (report.run().isPresent()) {
            json.beginObject();
            RunText.fields(json, report.run().get());
            json.endObject();
          } else {
            json.nullValue();
          }
          gates(json, report.gates());
          JsonText.problems(json, "problems", report.problems());
        });
  }

  static String of(Plan plan) {
    return JsonText.document(
        "plan",
        json -> {
          head(json, plan);
          json.name("weights").beginArray();
          for (PlannedWeight weight : plan.weights()) {
            json.beginObject();
            planned(json, weight);
            json.endObject();
          }
          json.endArray();
          kept(json, plan.kept());
          JsonText.problems(json, "problems", plan.problems());
        });
  }

  private static void head(JsonWriter json, Plan plan) throws IOException {
    json.name("input").value(plan.input());
    json.name("input_format").value(plan.inputFormat());
    json.name("output_format").value(plan.outputFormat());
    json.name("output_bytes");
    if (plan.outputBytes().isPresent()) {
      json.value(plan.outputBytes().getAsLong());
    } else {
      json.nullValue();
    }
    json.name("bytes_before").value(plan.bytesBefore());
    json.name("bytes_after").value(plan.bytesAfter());
    double ratio = plan.bytesAfter() == 0 ? 1 : (double) plan.bytesBefore() / plan.bytesAfter();
    JsonText.number(json, "compression_ratio", ratio);
  }

  private static void planned(JsonWriter json, PlannedWeight weight) throws IOException {
    JsonText.weight(json, weight.weight());
    json.name("evidence").value(weight.evidence().wire());
    json.name("quantizer").value(weight.quantizer());
    json.name("remark").value(weight.remark());
  }

  private static void gates(JsonWriter json, List<GateResult> gates) throws IOException {
    json.name("gates").beginArray();
    for (GateResult gate : gates) {
      json.beginObject();
      json.name("name").value(gate.name());
      json.name("limit").value(gate.limit());
      JsonText.number(json, "value", gate.value());
      json.name("passed").value(gate.passed());
      json.name("detail").value(gate.detail());
      json.endObject();
    }
    json.endArray();
  }

  private static void kept(JsonWriter json, List<KeptTensor> kept) throws IOException {
    Map<String, Integer> counts = new TreeMap<>();
    json.name("kept").beginArray();
    for (KeptTensor k : kept) {
      counts.merge(k.why().wire(), 1, Integer::sum);
      json.beginObject();
      JsonText.tensor(json, k.tensor());
      json.name("layer").value(k.layer());
      json.name("layer_kind").value(k.kind().name());
      json.name("why").value(k.why().wire());
      json.name("reason").value(k.reason());
      json.endObject();
    }
    json.endArray();
    json.name("kept_counts").beginObject();
    for (Map.Entry<String, Integer> count : counts.entrySet()) {
      json.name(count.getKey()).value(count.getValue());
    }
    json.endObject();
  }
}
