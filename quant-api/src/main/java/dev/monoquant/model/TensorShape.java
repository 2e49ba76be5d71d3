package dev.monoquant.model;

import java.util.Arrays;

/**
 * The dimensions of a tensor, outermost first. Immutable; 64-bit throughout.
 *
 * <p>A scalar has rank 0 and one element; a tensor with a zero dimension is empty. What this type
 * does not do: it has no strides and no layout; tensors are always contiguous in row-major order.
 */
public final class TensorShape {

  private final long[] dims;
  private final long elements;

  private TensorShape(long[] dims) {
    this.dims = dims;
    long product = 1;
    for (long d : dims) {
      if (d < 0) {
        throw new IllegalArgumentException("negative dimension in " + Arrays.toString(dims));
      }
      product = Math.multiplyExact(product, d);
    }
    this.elements = product;
  }

  /**
   * {@return the shape}
   *
   * @param dims the dimensions, outermost first; copied
   * @throws IllegalArgumentException if a dimension is negative
   * @throws ArithmeticException if the number of elements, multiplied from left to right, exceeds
   *     63 bits
   */
  public static TensorShape of(long... dims) {
    return new TensorShape(dims.clone());
  }

  /** {@return the number of dimensions, 0 for a scalar} */
  public int rank() {
    return dims.length;
  }

  /**
   * {@return the size of that dimension}
   *
   * @param axis 0 to rank - 1, or negative to count from the end
   */
  public long dim(int axis) {
    return dims[axis < 0 ? dims.length + axis : axis];
  }

  /** {@return the number of elements, 1 for a scalar} */
  public long elements() {
    return elements;
  }

  /** {@return a copy of the dimensions} */
  public long[] dims() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorShape that && Arrays.equals(dims, that.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** {@return for example {@code [64, 32, 3, 3]}} */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
