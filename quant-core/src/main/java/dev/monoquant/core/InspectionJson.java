package dev.monoquant.core;

import com.google.gson.stream.JsonWriter;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.io.IOException;
import java.util.Map;

/**
 * What is in a model as one JSON object:
 *
 * <pre>
 * {
 *   "schema": 1,
 *   "kind": "inspection",
 *   "input": "model.safetensors",
 *   "format": "safetensors",
 *   "tensors": 2,
 *   "stored_bytes": 4040,              // with codes packed
 *   "layers": [{
 *     "name": "fc", "kind": "Linear", "evidence": "inferred",
 *     "tensors": [{"param": "weight", "name": "fc.weight", "type": "F32", "shape": [10, 100],
 *                  "bytes": 4000, "file": "",
 *                  "sha256": "..."}]     // only if hashes were asked for; not of quantized weights
 *   }],
 *   "quantized": [{...}],              // as weights in a report, up to packed_bytes
 *   "foreign_quantization": {          // null if there is none
 *     "method": "gptq (4 bits)", "count": 7, "examples": ["fc.qweight"],
 *     "evidence": ["quantization_config of config.json"]
 *   },
 *   "metadata": {"format": "pt"},
 *   "notes": []                        // what the reader chose or passed over
 * }
 * </pre>
 */
final class InspectionJson {

  private InspectionJson() {}

  static String of(Inspection inspection) {
    return JsonText.document(
        "inspection",
        json -> {
          json.name("input").value(inspection.input());
          json.name("format").value(inspection.format());
          json.name("tensors").value(inspection.tensors().size());
          json.name("stored_bytes").value(inspection.storedBytes());
          json.name("layers").beginArray();
          for (Layer layer : inspection.layers()) {
            layer(json, layer, inspection.hashes());
          }
          json.endArray();
          json.name("quantized").beginArray();
          for (EncodedWeight weight : inspection.quantized()) {
            json.beginObject();
            JsonText.weight(json, weight);
            json.endObject();
          }
          json.endArray();
          JsonText.foreign(json, "foreign_quantization", inspection.foreign());
          JsonText.map(json, "metadata", inspection.metadata());
          json.name("notes").beginArray();
          for (String note : inspection.notes()) {
            json.value(note);
          }
          json.endArray();
        });
  }

  private static void layer(JsonWriter json, Layer layer, Map<String, String> hashes)
      throws IOException {
    json.beginObject();
    json.name("name").value(layer.name());
    json.name("kind").value(layer.kind().name());
    json.name("evidence").value(layer.evidence().wire());
    json.name("tensors").beginArray();
    for (Map.Entry<String, TensorInfo> tensor : layer.tensors().entrySet()) {
      json.beginObject();
      json.name("param").value(tensor.getKey());
      JsonText.tensor(json, tensor.getValue());
      String hash = hashes.get(tensor.getValue().name());
      if (hash != null) {
        json.name("sha256").value(hash);
      }
      json.endObject();
    }
    json.endArray();
    json.endObject();
  }
}
