package dev.monoquant.files.torch;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.List;

/**
 * Checks that a view lies within its storage: unless the view is empty, {@code offset + sum((size -
 * 1) x stride)} is an element of the storage, computed in checked arithmetic. An empty view may
 * begin anywhere, and the stride of a dimension of size 1 is never used.
 *
 * @param file the file, for messages
 * @param where the tensor, for messages
 * @param limits bounds on sizes and counts read from untrusted input
 */
public record ViewBounds(String file, String where, ReadLimits limits) {

  /** The maximum expansion of a view: without a limit, 24 bytes could make 4 TB. */
  private static final int MAX_EXPANSION = 16;

  private static final long FREE_EXPANSION = 4 << 20;

  /**
   * Checks a view.
   *
   * @param offset its first element
   * @param sizes its dimensions
   * @param strides its strides, one for each dimension
   * @param storageBytes the size in bytes of the storage
   * @param elementBytes the size in bytes of an element
   * @return the dimensions
   */
  public TensorShape check(
      long offset, List<Long> sizes, List<Long> strides, long storageBytes, int elementBytes) {
    if (sizes.size() != strides.size()) {
      throw bounds("has " + sizes.size() + " dimensions and " + strides.size() + " strides.");
    }
    if (sizes.size() > limits.maxRank()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          where,
          "has "
              + sizes.size()
              + " dimensions, at most "
              + limits.maxRank()
              + " are read (limit maxRank). Raise the limit if the file can be trusted.");
    }
    String view = "the view (offset " + offset + ", size " + sizes + ", stride " + strides + ")";
    if (offset < 0
        || sizes.stream().anyMatch(s -> s < 0)
        || strides.stream().anyMatch(s -> s < 0)) {
      throw bounds(view + " has a negative number.");
    }
    long elements = storageBytes / elementBytes;
    try {
      TensorShape shape = TensorShape.of(sizes.stream().mapToLong(Long::longValue).toArray());
      long bytes = Math.multiplyExact(shape.elements(), (long) elementBytes);
      if (shape.elements() > 0) {
        requireInside(offset, sizes, strides, elements, view);
      }
      if (bytes > FREE_EXPANSION && bytes / MAX_EXPANSION > storageBytes) {
        throw new ModelFormatException(
            Reason.LIMIT,
            file,
            where,
            "is "
                + view
                + " and makes "
                + bytes
                + " bytes of a storage of "
                + storageBytes
                + ", more than "
                + MAX_EXPANSION
                + " times as many. Save it as its own tensor, with clone().");
      }
      return shape;
    } catch (ArithmeticException overflow) {
      throw bounds(view + " leaves 64 bits.");
    }
  }

  private void requireInside(
      long offset, List<Long> sizes, List<Long> strides, long elements, String view) {
    long last = offset;
    for (int axis = 0; axis < sizes.size(); axis++) {
      if (sizes.get(axis) > 1) {
        last =
            Math.addExact(last, Math.multiplyExact(sizes.get(axis) - 1, (long) strides.get(axis)));
      }
    }
    if (last >= elements) {
      throw bounds(
          view + " reaches to element " + last + " of a storage of " + elements + " elements.");
    }
  }

  private ModelFormatException bounds(String detail) {
    return new ModelFormatException(
        Reason.TENSOR_BOUNDS,
        file,
        where,
        detail + " The file is damaged or was altered; fetch it again.");
  }
}
