package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.Mode;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The description in a rewritten archive, under {@code extra/monoquant.json}: compact JSON with
 * sorted keys.
 *
 * <pre>
 * {"dropped":{"debug_pkl":"12"},
 *  "layers":[{"kind":"Linear","name":"fc","tensors":{"bias":"fc.bias","weight":"fc.weight"}}],
 *  "tensors":{"fc.bias":{"dtype":"F32","offset":0,"record":"data/1","shape":[64],"strides":[1]}},
 *  "version":1,
 *  "weights":{"fc.weight":{..., "mode":"dynamic-row","note":"int8 kernel, 1 use",
 *    "records":{"codes":"data/7","scale":"data/8"},"storage":{"mode":"dynamic-row"}}}}
 * </pre>
 *
 * <p>{@code layers} are those that classes of the original declare; {@code tensors} are those left
 * unquantized, in the order of the original; the dots stand for {@link WeightJson}; {@code mode} is
 * how the weight is executed and {@code storage} what was requested. Counts and notes are for
 * people. The text is untrusted, like the rest of the archive, see {@link RewrittenReader}.
 *
 * @param layers the declared layers, each tensor by its full name
 * @param tensors the plain tensors by name
 * @param weights the weights in order
 * @param dropped how many records of the original were left out, by their kind
 */
record ArchiveDescription(
    List<LayerNames> layers,
    Map<String, ViewKey> tensors,
    List<WeightRecords> weights,
    Map<String, String> dropped) {

  private static final long VERSION = 1;

  /**
   * A layer.
   *
   * @param name its name
   * @param kind its kind
   * @param tensors the full names of its tensors by their local names
   */
  record LayerNames(String name, String kind, Map<String, String> tensors) {

    static LayerNames of(Layer layer) {
      Map<String, String> names = new LinkedHashMap<>();
      layer.tensors().forEach((local, tensor) -> names.put(local, tensor.name()));
      return new LayerNames(layer.name(), layer.kind().name(), names);
    }

    /** {@return the layer} */
    Layer layer(Map<String, TensorInfo> infos, JsonFields.Fault fault) {
      Map<String, TensorInfo> own = new LinkedHashMap<>();
      tensors.forEach(
          (local, full) -> {
            TensorInfo info = infos.get(full);
            if (info == null) {
              throw fault.of(
                  "layer " + quote(name), "has tensor " + quote(full) + ", which is not there");
            }
            own.put(local, info);
          });
      if (kind.isBlank()) {
        throw fault.of("layer " + quote(name), "has no kind");
      }
      return new Layer(name, new LayerKind(kind), Layer.Evidence.DECLARED, own);
    }
  }

  /**
   * A weight and the records of its parts.
   *
   * @param weight the weight
   * @param mode how it is executed
   * @param note a sentence about it
   * @param records the records of its parts by their names
   */
  record WeightRecords(EncodedWeight weight, Mode mode, String note, Map<String, String> records) {}

  /** {@return the text in UTF-8} */
  byte[] toBytes() {
    Map<String, JsonValue> json = new TreeMap<>();
    Map<String, JsonValue> views = new LinkedHashMap<>();
    tensors.forEach((name, view) -> views.put(name, view.toJson()));
    Map<String, JsonValue> held = new LinkedHashMap<>();
    weights.forEach(w -> held.put(w.weight().name(), weight(w)));
    json.put("version", JsonValue.Num.of(VERSION));
    json.put("layers", new JsonValue.Arr(layers.stream().map(ArchiveDescription::layer).toList()));
    json.put("tensors", new JsonValue.Obj(views));
    json.put("weights", new JsonValue.Obj(held));
    json.put("dropped", WeightJson.texts(dropped));
    return JsonText.compact(new JsonValue.Obj(json)).getBytes(StandardCharsets.UTF_8);
  }

  private static JsonValue layer(LayerNames layer) {
    Map<String, JsonValue> json = new TreeMap<>();
    Map<String, JsonValue> names = new LinkedHashMap<>();
    layer.tensors().forEach((local, full) -> names.put(local, JsonValue.of(full)));
    json.put("name", JsonValue.of(layer.name()));
    json.put("kind", JsonValue.of(layer.kind()));
    json.put("tensors", new JsonValue.Obj(names));
    return new JsonValue.Obj(json);
  }

  private static JsonValue weight(WeightRecords weight) {
    Map<String, JsonValue> json = WeightJson.write(weight.weight());
    json.put("mode", JsonValue.of(weight.mode().wire()));
    json.put("note", JsonValue.of(weight.note()));
    json.put("records", WeightJson.texts(weight.records()));
    json.put("storage", WeightJson.texts(weight.weight().storage().texts()));
    return new JsonValue.Obj(json);
  }

  /**
   * Parses the result of {@link #toBytes}; does not yet compare it with the program.
   *
   * @param text the record
   * @param fault makes the exceptions
   * @param maxDepth the limit on nesting
   * @throws ModelFormatException if it has another form or version
   */
  static ArchiveDescription parse(ByteBuffer text, JsonFields.Fault fault, int maxDepth) {
    String where = quote(Records.DESCRIPTION);
    JsonValue json =
        StrictJson.parse(
            text,
            new JsonDialect(
                fault.file(),
                Records.DESCRIPTION,
                Reason.METADATA,
                Reason.METADATA,
                maxDepth,
                false,
                ReadLimits.DEFAULT.maxParsedBytes()));
    if (json instanceof JsonValue.Obj all
        && all.find("version").isPresent()
        && !all.find("version").get().equals(JsonValue.Num.of(VERSION))) {
      throw new ModelFormatException(
          Reason.VERSION,
          fault.file(),
          where,
          "is of another version than " + VERSION + ". Use a newer version of this program.");
    }
    JsonFields fields =
        new JsonFields(
            fault, where, json, Set.of("version", "layers", "tensors", "weights", "dropped"));
    Map<String, ViewKey> tensors = new LinkedHashMap<>();
    object(fields, "tensors", fault)
        .forEach((name, view) -> tensors.put(name, ViewKey.of(fault, name, view)));
    List<WeightRecords> weights = new ArrayList<>();
    object(fields, "weights", fault)
        .forEach((name, weight) -> weights.add(weight(name, weight, fault)));
    return new ArchiveDescription(layers(fields, fault), tensors, weights, fields.texts("dropped"));
  }

  private static Map<String, JsonValue> object(
      JsonFields fields, String key, JsonFields.Fault fault) {
    if (fields.get(key) instanceof JsonValue.Obj object) {
      return object.members();
    }
    throw fault.of(fields.where(), key + " is " + fields.get(key).kind() + ", not an object");
  }

  private static List<LayerNames> layers(JsonFields fields, JsonFields.Fault fault) {
    if (!(fields.get("layers") instanceof JsonValue.Arr array)) {
      throw fault.of(fields.where(), "layers is no array");
    }
    List<LayerNames> layers = new ArrayList<>();
    for (JsonValue item : array.items()) {
      JsonFields layer = new JsonFields(fault, "a layer", item, Set.of("name", "kind", "tensors"));
      Map<String, String> names = new LinkedHashMap<>();
      object(layer, "tensors", fault)
          .forEach(
              (local, full) -> {
                if (!(full instanceof JsonValue.Str text)) {
                  throw fault.of("a layer", "tensor " + quote(local) + " is no text");
                }
                names.put(local, text.value());
              });
      layers.add(new LayerNames(layer.text("name"), layer.text("kind"), names));
    }
    return layers;
  }

  private static WeightRecords weight(String name, JsonValue json, JsonFields.Fault fault) {
    List<WeightRecords> made = new ArrayList<>();
    WeightJson.read(
        name,
        json,
        "",
        fault,
        Set.of("mode", "note", "records", "storage"),
        (weight, fields) -> {
          EncodedWeight complete = weight.withStorage(new OptionValues(fields.texts("storage")));
          made.add(
              new WeightRecords(
                  complete,
                  Mode.of(fields.text("mode")),
                  fields.text("note"),
                  fields.texts("records")));
          return complete;
        });
    return made.get(0);
  }
}
