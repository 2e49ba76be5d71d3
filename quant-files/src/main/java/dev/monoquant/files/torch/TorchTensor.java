package dev.monoquant.files.torch;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import java.util.List;

/**
 * A view of a storage, checked to lie within it.
 *
 * @param storage the storage of its elements
 * @param type the element type
 * @param shape the dimensions
 * @param offset its first element, in elements of the storage
 * @param strides elements from one index to the next, for each dimension; 0 if the dimension is
 *     expanded
 * @param conjugate whether reading negates the imaginary parts
 * @param negative whether reading negates the values
 */
public record TorchTensor(
    Storage storage,
    ElementType type,
    TensorShape shape,
    long offset,
    List<Long> strides,
    boolean conjugate,
    boolean negative) {

  /** Copies the strides. */
  public TorchTensor {
    strides = List.copyOf(strides);
  }

  /** {@return whether its bytes in the file are those of the contiguous little-endian tensor} */
  boolean isPlain() {
    if (conjugate || negative || (storage.bigEndian() && type.cellBytes() > 1)) {
      return false;
    }
    long expected = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dim(axis) != 1 && strides.get(axis) != expected) {
        return shape.elements() == 0;
      }
      expected *= shape.dim(axis);
    }
    return true;
  }
}
