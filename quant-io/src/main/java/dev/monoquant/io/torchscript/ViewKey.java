package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Identifies a tensor as a view of a record.
 *
 * @param record the record of its storage within the folder of the archive
 * @param type the element type
 * @param shape the dimensions
 * @param offset the index of its first element
 * @param strides elements from one index to the next
 */
record ViewKey(
    String record, ElementType type, TensorShape shape, long offset, List<Long> strides) {

  private static final Set<String> FIELDS = Set.of("dtype", "shape", "record", "offset", "strides");

  /** Copies the list. */
  ViewKey {
    strides = List.copyOf(strides);
  }

  /**
   * {@return the key of a view}
   *
   * @param folder the archive folder of the view
   * @param view the view
   */
  static ViewKey of(String folder, TorchTensor view) {
    String label = view.storage().label();
    String record = label.startsWith(folder) ? label.substring(folder.length()) : label;
    return new ViewKey(record, view.type(), view.shape(), view.offset(), view.strides());
  }

  /** {@return the same tensor in another record, with another first element} */
  ViewKey in(String other, long first) {
    return new ViewKey(other, type, shape, first, strides);
  }

  JsonValue toJson() {
    Map<String, JsonValue> json = new TreeMap<>();
    List<JsonValue> steps = new ArrayList<>();
    strides.forEach(s -> steps.add(JsonValue.Num.of(s)));
    json.put("dtype", JsonValue.of(type.wire()));
    json.put("shape", WeightJson.dims(shape));
    json.put("record", JsonValue.of(record));
    json.put("offset", JsonValue.Num.of(offset));
    json.put("strides", new JsonValue.Arr(steps));
    return new JsonValue.Obj(json);
  }

  static ViewKey of(JsonFields.Fault fault, String name, JsonValue json) {
    String where = "tensor " + quote(name);
    JsonFields fields = new JsonFields(fault, where, json, FIELDS);
    ElementType type =
        ElementType.find(fields.text("dtype"))
            .orElseThrow(() -> fault.of(where, "dtype is none that is known"));
    return new ViewKey(
        fields.text("record"),
        type,
        fields.shape("shape"),
        fields.number("offset"),
        Arrays.stream(fields.numbers("strides")).boxed().toList());
  }
}
