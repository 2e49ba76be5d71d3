package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checked content of a safetensors header: its entries, each checked by itself, cover the data
 * without holes. Faults of single entries are reported in the order of the header, faults of their
 * places in the order of the data.
 *
 * @param tensors the tensors in the order of their data
 * @param metadata the texts of {@code __metadata__} in the order of the header
 */
record SafetensorsHeader(List<StoredTensor> tensors, Map<String, String> metadata) {

  static final String METADATA = "__metadata__";

  /** What to do about a file whose numbers do not fit one another. */
  static final String DAMAGED = " The file is damaged; fetch it again.";

  /** What to do about a file that its writer must have made so. */
  static final String WRITER =
      " The file was written by a faulty tool; write it again with another.";

  /**
   * Checks a parsed header.
   *
   * @param json the header
   * @param file the file for messages
   * @param fileSize bytes of the whole file
   * @param dataSize bytes after the header
   * @param limits how much to believe
   */
  static SafetensorsHeader check(
      JsonValue json, String file, long fileSize, long dataSize, ReadLimits limits) {
    return new Checker(file, fileSize, dataSize, limits).header(json);
  }

  private record Checker(String file, long fileSize, long dataSize, ReadLimits limits) {

    SafetensorsHeader header(JsonValue json) {
      if (!(json instanceof JsonValue.Obj object)) {
        throw fault(
            Reason.HEADER_JSON, "", "the header is " + json.kind() + ", not an object." + DAMAGED);
      }
      List<StoredTensor> tensors = new ArrayList<>();
      Map<String, String> metadata = Map.of();
      for (Map.Entry<String, JsonValue> member : object.members().entrySet()) {
        if (member.getKey().equals(METADATA)) {
          metadata = metadata(member.getValue());
        } else {
          tensors.add(
              new SafetensorsEntry(file, member.getKey(), fileSize, limits)
                  .check(member.getValue()));
          if (tensors.size() > limits.maxTensors()) {
            throw fault(
                Reason.LIMIT,
                "",
                "more tensors than "
                    + limits.maxTensors()
                    + " (limit maxTensors). Raise the limit if the file can be trusted.");
          }
        }
      }
      tensors.sort(
          Comparator.comparingLong(StoredTensor::begin).thenComparingLong(StoredTensor::end));
      places(tensors);
      return new SafetensorsHeader(List.copyOf(tensors), metadata);
    }

    private Map<String, String> metadata(JsonValue json) {
      Map<String, String> texts = new LinkedHashMap<>();
      if (json == JsonValue.Literal.NULL) {
        return texts;
      }
      if (!(json instanceof JsonValue.Obj object)) {
        throw fault(
            Reason.METADATA,
            quote(METADATA),
            "is " + json.kind() + ", not an object of texts." + WRITER);
      }
      object
          .members()
          .forEach(
              (key, value) -> {
                if (!(value instanceof JsonValue.Str text)) {
                  throw fault(
                      Reason.METADATA,
                      quote(METADATA),
                      "the value of "
                          + quote(key)
                          + " is "
                          + value.kind()
                          + ", not a text."
                          + WRITER);
                }
                texts.put(key, text.value());
              });
      return texts;
    }

    private void places(List<StoredTensor> sorted) {
      long expected = 0;
      for (StoredTensor tensor : sorted) {
        String where = "tensor " + quote(tensor.name());
        if (tensor.begin() != expected) {
          throw fault(
              Reason.OFFSETS,
              where,
              "data_offsets begin at "
                  + tensor.begin()
                  + ", the data before it ends at "
                  + expected
                  + "; tensors may neither overlap nor leave holes."
                  + WRITER);
        }
        if (tensor.end() > dataSize) {
          throw fault(
              Reason.TRUNCATED,
              where,
              "its data ends at byte "
                  + tensor.end()
                  + " of the data, the file has only "
                  + dataSize
                  + " there. The file is cut short; fetch it again.");
        }
        expected = tensor.end();
      }
      if (expected != dataSize) {
        throw fault(
            Reason.TRAILING_DATA,
            "",
            (dataSize - expected)
                + " bytes follow the last tensor, which ends at "
                + expected
                + " of "
                + dataSize
                + " bytes of data."
                + DAMAGED);
      }
    }

    private ModelFormatException fault(Reason reason, String where, String detail) {
      return new ModelFormatException(reason, file, where, detail);
    }
  }
}
