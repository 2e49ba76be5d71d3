package dev.monoquant.core;

/**
 * Two models side by side as one JSON object:
 *
 * <pre>
 * {
 *   "schema": 1,
 *   "kind": "comparison",
 *   "a": "model.safetensors",
 *   "b": "model-int8.safetensors",
 *   "identical": false,
 *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
 *   "tensors": [{
 *     "name": "fc.weight", "type_a": "F32", "type_b": "F32", "shape": [10, 100], "equal": false,
 *     "errors": {...}
 *   }],
 *   "only_in_a": [{"name": "", "type": "", "shape": [], "bytes": 0, "file": ""}],
 *   "only_in_b": [...],
 *   "mismatched": [...],               // as they are in a
 *   "foreign_quantization_in_a": null, // as in an inspection
 *   "foreign_quantization_in_b": null
 * }
 * </pre>
 *
 * An error measure is null where it is not finite: {@code sqnr_db} of tensors without any error.
 */
final class ComparisonJson {

  private ComparisonJson() {}

  static String of(Comparison comparison) {
    return JsonText.document(
        "comparison",
        json -> {
          json.name("a").value(comparison.a());
          json.name("b").value(comparison.b());
          json.name("identical").value(comparison.identical());
          json.name("errors");
          JsonText.errors(json, comparison.total());
          json.name("tensors").beginArray();
          for (ComparedTensor tensor : comparison.tensors()) {
            json.beginObject();
            json.name("name").value(tensor.name());
            json.name("type_a").value(tensor.typeA().wire());
            json.name("type_b").value(tensor.typeB().wire());
            JsonText.shape(json, tensor.shape());
            json.name("equal").value(tensor.equal());
            json.name("errors");
            JsonText.errors(json, tensor.errors());
            json.endObject();
          }
          json.endArray();
          JsonText.tensors(json, "only_in_a", comparison.onlyInA());
          JsonText.tensors(json, "only_in_b", comparison.onlyInB());
          JsonText.tensors(json, "mismatched", comparison.mismatched());
          JsonText.foreign(json, "foreign_quantization_in_a", comparison.foreignInA());
          JsonText.foreign(json, "foreign_quantization_in_b", comparison.foreignInB());
        });
  }
}
