package dev.monoquant.io.memory;

import static dev.monoquant.QuantException.quote;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Describes arrays by {@link TensorInfo}, or says why they cannot be read. Reads no data. */
final class ArrayTypes {

  private ArrayTypes() {}

  /**
   * {@return the description of each array, by name, in the same order}
   *
   * @param arrays the caller's arrays
   * @param limits the limit on dimensions
   * @throws ModelFormatException for the first array that is closed, sparse, of a type that cannot
   *     be read or of too many dimensions
   */
  static Map<String, TensorInfo> describe(LiveArrays arrays, ReadLimits limits) {
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    arrays
        .arrays()
        .forEach((name, array) -> infos.put(name, info(arrays.input(), name, array, limits)));
    return infos;
  }

  private static TensorInfo info(String input, String name, NDArray array, ReadLimits limits) {
    String where = "tensor " + quote(name);
    if (array.isReleased()) {
      throw new ModelFormatException(
          Reason.UNREADABLE, input, where, "its array is closed. Pass arrays that are open");
    }
    DataType dataType = array.getDataType();
    ElementType type =
        elementType(dataType)
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        Reason.DTYPE,
                        input,
                        where,
                        "arrays of type "
                            + dataType
                            + " cannot be read from memory; FLOAT32, FLOAT64, FLOAT16, UINT8, INT8,"
                            + " INT32, INT64, BOOLEAN and COMPLEX64 can. Open the model's file"
                            + " instead, or convert the array before it gets here"));
    if (array.isSparse()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR, input, where, "it is sparse. Pass array.toDense()");
    }
    TensorShape shape = TensorShape.of(array.getShape().getShape());
    if (shape.rank() > limits.maxRank()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          input,
          where,
          String.format(
              "it has %d dimensions, %d allowed. Raise the limit maxRank if that is right",
              shape.rank(), limits.maxRank()));
    }
    return new TensorInfo(name, type, shape);
  }

  /**
   * {@return the element type, or empty if arrays of that type must not be read: libtorch ends the
   * process for BFLOAT16 and for 16-bit and unsigned integers, and UNKNOWN may be any type}
   *
   * @param type the type that DJL reports
   */
  static Optional<ElementType> elementType(DataType type) {
    return switch (type) {
      case FLOAT32 -> Optional.of(ElementType.FLOAT32);
      case FLOAT64 -> Optional.of(ElementType.FLOAT64);
      case FLOAT16 -> Optional.of(ElementType.FLOAT16);
      case UINT8 -> Optional.of(ElementType.UINT8);
      case INT8 -> Optional.of(ElementType.INT8);
      case INT32 -> Optional.of(ElementType.INT32);
      case INT64 -> Optional.of(ElementType.INT64);
      case BOOLEAN -> Optional.of(ElementType.BOOL);
      case COMPLEX64 -> Optional.of(ElementType.COMPLEX64);
      case UNKNOWN, STRING, BFLOAT16, UINT64, UINT32, UINT16, INT16 -> Optional.empty();
    };
  }
}
