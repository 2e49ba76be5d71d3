package dev.monoquant.io.exported;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.torch.ViewBounds;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The description of the tensors in a folder of records:
 *
 * <pre>
 * {"config": {"fc.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false,
 *   "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 4}, {"as_int": 3}],
 *     "strides": [{"as_int": 3}, {"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7,
 *     "device": {"type": "cpu", "index": null}, "requires_grad": true}}}}
 * </pre>
 *
 * <p>Sizes, strides and the offset count elements. Fields that do not matter for the values are
 * ignored. Every view must lie within its record, whose bytes must be whole elements.
 *
 * @param zip the archive
 * @param folder the folder of the records, with a slash at its end
 * @param limits bounds on sizes and counts read from untrusted input
 */
record PayloadConfig(TorchZip zip, String folder, ReadLimits limits) {

  /** The numbers of element types; not those of the pickles of TorchScript. */
  private static final Map<Long, ElementType> TYPES =
      Map.ofEntries(
          Map.entry(1L, ElementType.UINT8),
          Map.entry(2L, ElementType.INT8),
          Map.entry(3L, ElementType.INT16),
          Map.entry(4L, ElementType.INT32),
          Map.entry(5L, ElementType.INT64),
          Map.entry(6L, ElementType.FLOAT16),
          Map.entry(7L, ElementType.FLOAT32),
          Map.entry(8L, ElementType.FLOAT64),
          Map.entry(10L, ElementType.COMPLEX64),
          Map.entry(12L, ElementType.BOOL),
          Map.entry(13L, ElementType.BFLOAT16),
          Map.entry(28L, ElementType.UINT16),
          Map.entry(29L, ElementType.FLOAT8_E4M3),
          Map.entry(30L, ElementType.FLOAT8_E5M2),
          Map.entry(31L, ElementType.FLOAT8_E4M3FNUZ),
          Map.entry(32L, ElementType.FLOAT8_E5M2FNUZ),
          Map.entry(33L, ElementType.FLOAT8_E8M0),
          Map.entry(34L, ElementType.UINT32),
          Map.entry(35L, ElementType.UINT64));

  /** The number of {@code torch.strided}. */
  private static final long STRIDED = 7;

  /**
   * {@return the names that a description holds; none if it has another form}
   *
   * @param json the description
   */
  static Set<String> names(JsonValue json) {
    return json instanceof JsonValue.Obj top
            && top.find("config").orElse(JsonValue.Literal.NULL) instanceof JsonValue.Obj config
        ? config.members().keySet()
        : Set.of();
  }

  /**
   * Reads a description.
   *
   * @param json the description
   * @return the tensors in its order
   * @throws ModelFormatException if it has another form, a record is missing or too short, or a
   *     tensor cannot be read
   */
  Map<TensorInfo, TorchTensor> read(JsonValue json) {
    if (!(json instanceof JsonValue.Obj top)
        || !(top.find("config").orElse(JsonValue.Literal.NULL) instanceof JsonValue.Obj config)) {
      throw fault("", "the description of the weights has no object \"config\".");
    }
    if (config.members().size() > limits.maxTensors()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          zip.label(),
          "",
          "it has "
              + config.members().size()
              + " tensors, at most "
              + limits.maxTensors()
              + " are read (limit maxTensors). Raise the limit if the file can be trusted.");
    }
    Map<TensorInfo, TorchTensor> tensors = new LinkedHashMap<>();
    Map<String, ElementType> types = new HashMap<>();
    config
        .members()
        .forEach(
            (name, entry) -> {
              Item item = item(name, entry);
              TorchTensor tensor = item.tensor();
              ElementType first = types.putIfAbsent(item.record(), tensor.type());
              if (first != null && first != tensor.type()) {
                throw fault(
                    where(name),
                    "is a view of "
                        + quote(item.record())
                        + " as "
                        + tensor.type().wire()
                        + ", another tensor as "
                        + first.wire()
                        + ".");
              }
              tensors.put(new TensorInfo(name, tensor.type(), tensor.shape()), tensor);
            });
    return tensors;
  }

  private record Item(String record, TorchTensor tensor) {}

  private Item item(String name, JsonValue json) {
    String where = where(name);
    if (name.length() > limits.maxNameLength()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          zip.label(),
          where,
          "its name has "
              + name.length()
              + " characters, at most "
              + limits.maxNameLength()
              + " are read (limit maxNameLength). Raise the limit if the file can be trusted.");
    }
    if (!(json instanceof JsonValue.Obj entry)
        || !(entry.find("tensor_meta").orElse(JsonValue.Literal.NULL)
            instanceof JsonValue.Obj meta)) {
      throw fault(where, "its entry has no object \"tensor_meta\".");
    }
    if (entry.find("use_pickle").orElse(JsonValue.Literal.FALSE) != JsonValue.Literal.FALSE) {
      throw unsupported(
          where,
          "is stored as a pickle, as a subclass of Tensor is. Export a model with plain tensors.");
    }
    ElementType type = type(where, meta);
    List<Long> sizes = numbers(where, meta, "sizes");
    List<Long> strides = numbers(where, meta, "strides");
    long offset = number(where, "storage_offset", meta.find("storage_offset"));
    String record =
        entry.text("path_name").orElseThrow(() -> fault(where, "its entry has no path_name."));
    Storage storage = zip.record(folder + record);
    if (storage.size() % type.cellBytes() != 0) {
      throw new ModelFormatException(
          Reason.RECORD_SIZE,
          zip.label(),
          where,
          "its record "
              + quote(folder + record)
              + " has "
              + storage.size()
              + " bytes, no multiple of the "
              + type.cellBytes()
              + " bytes of "
              + type.wire()
              + ". The file is damaged; fetch it again.");
    }
    if (storage.size() == 0 && sizes.stream().noneMatch(s -> s == 0)) {
      throw unsupported(
          where,
          "has no bytes in the archive: the model was exported with fake tensors, without values."
              + " Export it with its weights loaded.");
    }
    TensorShape shape =
        new ViewBounds(zip.label(), where, limits)
            .check(offset, sizes, strides, storage.size(), type.cellBytes());
    return new Item(record, new TorchTensor(storage, type, shape, offset, strides, false, false));
  }

  private ElementType type(String where, JsonValue.Obj meta) {
    long layout = number(where, "layout", meta.find("layout"));
    if (layout != STRIDED) {
      throw unsupported(
          where, "has the layout " + layout + "; only strided tensors (" + STRIDED + ") are read.");
    }
    long code = number(where, "dtype", meta.find("dtype"));
    return Optional.ofNullable(TYPES.get(code))
        .orElseThrow(
            () ->
                new ModelFormatException(
                    Reason.DTYPE,
                    zip.label(),
                    where,
                    "its dtype is number "
                        + code
                        + " of torch.export, which is not read. Convert it to float32 first."));
  }

  private List<Long> numbers(String where, JsonValue.Obj meta, String key) {
    if (!(meta.find(key).orElse(JsonValue.Literal.NULL) instanceof JsonValue.Arr array)) {
      throw fault(where, key + " is no array.");
    }
    List<Long> numbers = new ArrayList<>();
    array.items().forEach(item -> numbers.add(number(where, key, Optional.of(item))));
    return numbers;
  }

  /** A plain number, or a symbolic one with its value: {@code {"as_int": 3}}. */
  private long number(String where, String key, Optional<JsonValue> json) {
    JsonValue value = json.orElse(JsonValue.Literal.NULL);
    if (value instanceof JsonValue.Obj symbolic) {
      value = symbolic.find("as_int").orElse(JsonValue.Literal.NULL);
    }
    if (value instanceof JsonValue.Num number && number.count().isPresent()) {
      return number.count().get();
    }
    throw fault(where, key + " holds something that is no integer from 0 to 2^63-1.");
  }

  private static String where(String name) {
    return "tensor " + quote(name);
  }

  private ModelFormatException fault(String where, String detail) {
    return new ModelFormatException(
        Reason.ENTRY,
        zip.label(),
        where,
        detail + " The file is damaged or was altered; fetch it again.");
  }

  private ModelFormatException unsupported(String where, String detail) {
    return new ModelFormatException(Reason.UNSUPPORTED_TENSOR, zip.label(), where, detail);
  }
}
