package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonBytes;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The checked content of a safetensors header: each entry is valid, and together they cover the
 * data without holes. Faults of single entries are reported in the order of the header, faults of
 * their offsets in the order of the data.
 *
 * @param tensors the tensors in the order of their data
 * @param metadata the texts of {@code __metadata__} in the order of the header
 */
record SafetensorsHeader(List<StoredTensor> tensors, Map<String, String> metadata) {

  static final String METADATA = "__metadata__";

  /** The remedy for a file with inconsistent numbers. */
  static final String DAMAGED = " The file is damaged; fetch it again.";

  /** The remedy for a file that was written incorrectly. */
  static final String WRITER =
      " The file was written by a faulty tool; write it again with another.";

  /** Estimated bytes of an entry that is kept, besides its name. */
  private static final int KEPT = 160;

  /**
   * Reads and checks a header. One entry at a time is in memory as JSON.
   *
   * @param text the header
   * @param file the file, for messages
   * @param fileSize the size in bytes of the whole file
   * @param dataSize the number of bytes after the header
   * @param limits bounds on sizes and counts read from untrusted input
   */
  static SafetensorsHeader read(
      JsonBytes text, String file, long fileSize, long dataSize, ReadLimits limits) {
    JsonDialect dialect =
        new JsonDialect(
            file,
            "the header",
            Reason.HEADER_JSON,
            Reason.HEADER_ENCODING,
            limits.maxDepth(),
            false,
            limits.maxParsedBytes());
    return new Checker(file, fileSize, dataSize, limits).header(text, dialect);
  }

  private record Checker(String file, long fileSize, long dataSize, ReadLimits limits) {

    SafetensorsHeader header(JsonBytes text, JsonDialect dialect) {
      List<StoredTensor> tensors = new ArrayList<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      // Most tensors of a model have one of a few shapes.
      Map<TensorShape, TensorShape> shapes = new HashMap<>();
      StrictJson.parse(
          text,
          dialect,
          (name, value) -> {
            if (name.equals(METADATA)) {
              metadata.putAll(metadata(value));
              return metadata.values().stream().mapToLong(v -> KEPT + bytes(v)).sum();
            }
            tensors.add(new Entry(file, name, fileSize, limits, shapes).check(value));
            if (tensors.size() > limits.maxTensors()) {
              throw fault(
                  Reason.LIMIT,
                  "",
                  "more tensors than "
                      + limits.maxTensors()
                      + " (limit maxTensors). Raise the limit if the file can be trusted.");
            }
            return KEPT;
          });
      tensors.sort(
          Comparator.comparingLong(StoredTensor::begin).thenComparingLong(StoredTensor::end));
      places(tensors);
      return new SafetensorsHeader(List.copyOf(tensors), metadata);
    }

    private static long bytes(String text) {
      return TextPieces.isAscii(text) ? text.length() : 2L * text.length();
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
        if (tensor.begin() != expected) {
          throw fault(
              Reason.OFFSETS,
              "tensor " + quote(tensor.name()),
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
              "tensor " + quote(tensor.name()),
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

  /**
   * Checks the entry of one tensor in a safetensors header: a known type, a shape whose size in
   * bytes fits in 63 bits, and a range of exactly that size. {@link SafetensorsHeader} checks the
   * position of the range among the others.
   *
   * @param file the file, for messages
   * @param name the tensor
   * @param fileSize the size in bytes of the whole file
   * @param limits bounds on sizes and counts read from untrusted input
   * @param shapes the shapes so far, each of which is kept once
   */
  private record Entry(
      String file,
      String name,
      long fileSize,
      ReadLimits limits,
      Map<TensorShape, TensorShape> shapes) {

    /**
     * Checks the entry.
     *
     * @param json its value in the header
     * @return the tensor
     */
    StoredTensor check(JsonValue json) {
      if (name.length() > limits.maxNameLength()) {
        throw fault(
            Reason.LIMIT,
            "the name has "
                + name.length()
                + " characters, at most "
                + limits.maxNameLength()
                + " are read (limit maxNameLength).");
      }
      if (!(json instanceof JsonValue.Obj object)) {
        throw fault(
            Reason.ENTRY,
            "the entry is "
                + json.kind()
                + ", not an object of dtype, shape, data_offsets."
                + WRITER);
      }
      for (String key : object.members().keySet()) {
        if (!key.equals("dtype") && !key.equals("shape") && !key.equals("data_offsets")) {
          throw fault(
              Reason.ENTRY,
              "unknown field "
                  + quote(key)
                  + "; allowed are dtype, shape and data_offsets. It may change what the tensor"
                  + " means; write the file without it.");
        }
      }
      ElementType type = type(field(object, "dtype"));
      TensorShape shape = shape(field(object, "shape"));
      long bytes = bytes(type, shape);
      long[] range = range(field(object, "data_offsets"));
      if (range[1] - range[0] != bytes) {
        boolean hopeless = bytes > fileSize;
        throw fault(
            hopeless ? Reason.SHAPE : Reason.OFFSETS,
            "data_offsets cover "
                + (range[1] - range[0])
                + " bytes, shape "
                + shape
                + " of "
                + type.wire()
                + " needs "
                + bytes
                + (hopeless ? ", more than the whole file of " + fileSize + " bytes." : ".")
                + DAMAGED);
      }
      TensorShape kept = shapes.computeIfAbsent(shape, same -> same);
      return new StoredTensor(name, type, kept, range[0], range[1]);
    }

    private JsonValue field(JsonValue.Obj entry, String key) {
      JsonValue value = entry.members().get(key);
      if (value == null) {
        throw fault(Reason.ENTRY, "the entry has no " + key + "." + WRITER);
      }
      return value;
    }

    private ElementType type(JsonValue json) {
      if (!(json instanceof JsonValue.Str text)) {
        throw fault(Reason.DTYPE, "dtype is " + json.kind() + ", not a text." + WRITER);
      }
      return ElementType.find(text.value())
          .filter(ElementType::isSafetensors)
          .orElseThrow(
              () ->
                  fault(
                      Reason.DTYPE,
                      "dtype "
                          + quote(text.value())
                          + " is not one of the 22 of safetensors, such as F32, BF16 or I8."
                          + WRITER));
    }

    private TensorShape shape(JsonValue json) {
      if (!(json instanceof JsonValue.Arr array)) {
        throw fault(
            Reason.SHAPE, "shape is " + json.kind() + ", not an array of integers." + WRITER);
      }
      int rank = array.items().size();
      if (rank > limits.maxRank()) {
        throw fault(
            Reason.UNSUPPORTED_TENSOR,
            "has "
                + rank
                + " dimensions, at most "
                + limits.maxRank()
                + " are supported (limit maxRank).");
      }
      long[] dims = new long[rank];
      long product = 1;
      for (int i = 0; i < rank; i++) {
        dims[i] = dimension(array.items().get(i));
        product = times(product, dims[i], "the number of elements");
      }
      return TensorShape.of(dims);
    }

    private long dimension(JsonValue json) {
      if (json instanceof JsonValue.Num number) {
        Optional<Long> count = number.count();
        if (count.isPresent()) {
          return count.get();
        }
        throw fault(
            Reason.SHAPE,
            "shape holds "
                + quote(number.text())
                + "; dimensions are integers from 0 to 2^63-1 without sign, point or exponent."
                + DAMAGED);
      }
      throw fault(Reason.SHAPE, "shape holds " + json.kind() + ", not an integer." + WRITER);
    }

    private long bytes(ElementType type, TensorShape shape) {
      long bits = times(shape.elements(), type.bits(), "the number of bits");
      if (bits % 8 != 0) {
        throw fault(
            Reason.SUB_BYTE,
            shape.elements()
                + " elements of "
                + type.wire()
                + " are "
                + bits
                + " bits, which fill no whole bytes."
                + WRITER);
      }
      return bits / 8;
    }

    private long times(long a, long b, String what) {
      try {
        return Math.multiplyExact(a, b);
      } catch (ArithmeticException e) {
        throw new ModelFormatException(
            Reason.OVERFLOW,
            file,
            where(),
            what + ", " + a + " x " + b + ", leaves 63 bits." + DAMAGED,
            e);
      }
    }

    private long[] range(JsonValue json) {
      if (!(json instanceof JsonValue.Arr array) || array.items().size() != 2) {
        throw fault(Reason.OFFSETS, "data_offsets are not an array of two integers." + WRITER);
      }
      long[] range = new long[2];
      for (int i = 0; i < 2; i++) {
        JsonValue item = array.items().get(i);
        Optional<Long> count =
            item instanceof JsonValue.Num number ? number.count() : Optional.empty();
        if (count.isEmpty()) {
          String shown = item instanceof JsonValue.Num n ? quote(n.text()) : item.kind();
          throw fault(
              Reason.OFFSETS,
              "data_offsets hold " + shown + "; offsets are integers from 0 to 2^63-1." + DAMAGED);
        }
        range[i] = count.get();
      }
      if (range[1] < range[0]) {
        throw fault(
            Reason.OFFSETS,
            "data_offsets end at "
                + range[1]
                + ", before they begin at "
                + range[0]
                + "."
                + DAMAGED);
      }
      return range;
    }

    private String where() {
      return "tensor " + quote(name);
    }

    private ModelFormatException fault(Reason reason, String detail) {
      return new ModelFormatException(reason, file, where(), detail);
    }
  }
}
