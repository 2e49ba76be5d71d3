package dev.monoquant.core;

import java.util.Map;

/**
 * A verification as plain text, and as one JSON object:
 *
 * <pre>
 * {
 *   "schema": 1,
 *   "kind": "verification",
 *   "output": "model-int8.safetensors",
 *   "against": "model.safetensors",    // empty if no original was given
 *   "sound": true,
 *   "made": {"monoquant.tool": "...", ...},
 *   "tensors": 12,                     // stored ones that were read
 *   "bytes": 1040,
 *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
 *   "weights": [{"name": "fc.weight", "errors": {...}}],  // empty without an original
 *   "differences": [{"severity": "error", "subject": "", "message": "", "remedy": ""}]
 * }
 * </pre>
 */
final class VerificationText {

  private VerificationText() {}

  static String json(Verification result) {
    return JsonText.document(
        "verification",
        json -> {
          json.name("output").value(result.output());
          json.name("against").value(result.against());
          json.name("sound").value(result.sound());
          JsonText.map(json, "made", result.made());
          json.name("tensors").value(result.tensors());
          json.name("bytes").value(result.bytes());
          json.name("errors");
          JsonText.errors(json, result.total());
          json.name("weights").beginArray();
          for (Map.Entry<String, ErrorStatistics> weight : result.errors().entrySet()) {
            json.beginObject();
            json.name("name").value(weight.getKey());
            json.name("errors");
            JsonText.errors(json, weight.getValue());
            json.endObject();
          }
          json.endArray();
          JsonText.problems(json, "differences", result.differences());
        });
  }

  static String table(Verification result) {
    StringBuilder out = new StringBuilder();
    out.append(
        Text.format(
            "%s: %s read again, %s\n",
            Text.name(result.output()),
            Text.count(result.tensors(), "stored tensor"),
            Text.bytes(result.bytes())));
    if (!result.against().isEmpty()) {
      ErrorStatistics total = result.total();
      out.append(
          Text.format(
              "against %s: %s decoded, SQNR %s dB, cosine %s, max error %s\n",
              Text.name(result.against()),
              Text.count(result.errors().size(), "weight"),
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    Text.problems(result.differences(), out);
    out.append(result.sound() ? "nothing differs\n" : "");
    return out.toString();
  }
}
