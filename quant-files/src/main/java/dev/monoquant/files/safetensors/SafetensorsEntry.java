package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;
import static dev.monoquant.files.safetensors.SafetensorsHeader.DAMAGED;
import static dev.monoquant.files.safetensors.SafetensorsHeader.WRITER;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;

/**
 * Checks what a safetensors header says of one tensor: a known type, a shape whose bytes can be
 * counted in 63 bits, and a range of just so many bytes. Where that range lies among the others is
 * for {@link SafetensorsHeader}.
 *
 * @param file the file for messages
 * @param name the tensor
 * @param fileSize bytes of the whole file
 * @param limits how much to believe
 */
record SafetensorsEntry(String file, String name, long fileSize, ReadLimits limits) {

  /**
   * Checks the entry.
   *
   * @param json its value in the header
   * @return what it says
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
    return new StoredTensor(name, type, shape, range[0], range[1]);
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
      throw fault(Reason.SHAPE, "shape is " + json.kind() + ", not an array of integers." + WRITER);
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
      if (number.count().isPresent()) {
        return number.count().get();
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
      if (!(item instanceof JsonValue.Num number) || number.count().isEmpty()) {
        String shown = item instanceof JsonValue.Num n ? quote(n.text()) : item.kind();
        throw fault(
            Reason.OFFSETS,
            "data_offsets hold " + shown + "; offsets are integers from 0 to 2^63-1." + DAMAGED);
      }
      range[i] = number.count().get();
    }
    if (range[1] < range[0]) {
      throw fault(
          Reason.OFFSETS,
          "data_offsets end at " + range[1] + ", before they begin at " + range[0] + "." + DAMAGED);
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
