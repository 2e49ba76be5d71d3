package dev.monoquant.io.exported;

import dev.monoquant.files.testing.ZipText;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a small archive of torch.export as text and bytes, to be broken by tests. */
final class ExportedText {

  private static final String WEIGHTS = "m/data/weights/model_weights_config.json";

  private final Map<String, String> texts = new LinkedHashMap<>();
  private final Map<String, byte[]> records = new LinkedHashMap<>();

  ExportedText() {
    records.put("m/data/weights/weight_0", bytes(48));
    records.put("m/data/weights/weight_1", bytes(12));
    texts.put(
        WEIGHTS,
        "{\"config\": {"
            + entry("fc.weight", "weight_0", "4, 3", "3, 1")
            + ", "
            + entry("fc.bias", "weight_1", "3", "1")
            + "}}");
    texts.put("m/data/constants/model_constants_config.json", "{\"config\": {}}");
    texts.put(
        "m/models/model.json",
        "{\"graph_module\": {\"graph\": {\"nodes\": [{\"target\": \"torch.ops.aten.linear.default\","
            + " \"inputs\": [], \"metadata\": {\"nn_module_stack\": \"L__self__,,a.M;"
            + "L__self__fc,fc,torch.nn.modules.linear.Linear\"}}]}},"
            + " \"schema_version\": {\"major\": 8, \"minor\": 20}}");
    texts.put("m/archive_format", "pt2");
    texts.put("m/archive_version", "0");
    texts.put("m/.data/version", "6\n");
    texts.put("m/byteorder", "little");
  }

  /** {@return the bytes of a record of that size} */
  static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (i % 4 == 3 ? 0x3f : 5 * i);
    }
    return bytes;
  }

  /** {@return an entry of the description; sizes and strides with commas between} */
  static String entry(String name, String record, String sizes, String strides) {
    return "\""
        + name
        + "\": {\"path_name\": \""
        + record
        + "\", \"is_param\": true, \"use_pickle\": false, \"tensor_meta\": {\"dtype\": 7,"
        + " \"sizes\": "
        + numbers(sizes)
        + ", \"strides\": "
        + numbers(strides)
        + ", \"storage_offset\": {\"as_int\": 0}, \"layout\": 7}}";
  }

  private static String numbers(String list) {
    return list.isEmpty() ? "[]" : "[{\"as_int\": " + list.replace(", ", "}, {\"as_int\": ") + "}]";
  }

  /** Replaces a text in the description of the weights. */
  ExportedText weights(String old, String text) {
    return replace(WEIGHTS, old, text);
  }

  /** Replaces a text in a record. */
  ExportedText replace(String record, String old, String text) {
    String before = texts.get(record);
    if (!before.contains(old)) {
      throw new AssertionError(record + " has no " + old);
    }
    texts.put(record, before.replace(old, text));
    return this;
  }

  /** Adds or replaces a record. */
  ExportedText put(String record, byte[] bytes) {
    texts.remove(record);
    records.put(record, bytes);
    return this;
  }

  /** Leaves out a record. */
  ExportedText without(String record) {
    texts.remove(record);
    records.remove(record);
    return this;
  }

  ZipText zip() {
    ZipText zip = new ZipText();
    records.forEach(zip::put);
    texts.forEach((name, text) -> zip.put(name, text.getBytes(StandardCharsets.UTF_8)));
    return zip;
  }
}
