package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

/**
 * A weight seen as a matrix: {@code rows} are outputs (each may get a scale of its own), {@code
 * cols} are inputs (the numbers that share it).
 *
 * <p>The matrix is a view of a tensor of any rank: the axis {@link #rowAxis()} becomes the rows,
 * all others in their order become the columns. With {@code rowAxis} 0 the matrix is the tensor's
 * memory as it lies; with 1 (GPT-2's Conv1D, transposed convolutions) it is a transposition.
 *
 * <p>Grouped transposed convolutions: the weight is (inputs, outputs / groups, ...), so a row holds
 * the numbers of one output channel <em>of every group</em>. That is the channel axis of PyTorch
 * ({@code ch_axis = 1}), and the finest one the tensor's axes can express.
 *
 * @param layer the module path of the layer
 * @param kind the kind of the layer
 * @param param the local name of the tensor, such as {@code weight}
 * @param tensor the tensor
 * @param rowAxis the axis that becomes the rows
 */
public record WeightMatrix(
    String layer, LayerKind kind, String param, TensorInfo tensor, int rowAxis) {

  /** Checks that the tensor has such an axis. */
  public WeightMatrix {
    requireNonNull(layer, "layer");
    requireNonNull(kind, "kind");
    requireNonNull(param, "param");
    requireNonNull(tensor, "tensor");
    if (rowAxis < 0 || rowAxis >= tensor.shape().rank()) {
      throw new IllegalArgumentException(
          String.format(
              "tensor %s of shape %s has no axis %d", tensor.name(), tensor.shape(), rowAxis));
    }
  }

  /** {@return the number of rows (outputs)} */
  public long rows() {
    return tensor.shape().dim(rowAxis);
  }

  /** {@return the number of columns (inputs)} */
  public long cols() {
    long product = 1;
    for (int axis = 0; axis < tensor.shape().rank(); axis++) {
      if (axis != rowAxis) {
        product *= tensor.shape().dim(axis);
      }
    }
    return product;
  }

  /**
   * The shape of the matrix with its columns unfolded: the row axis first, the others in order.
   *
   * @return the tensor's own shape if {@code rowAxis} is 0, else that shape with the row axis moved
   *     to the front
   */
  public TensorShape rowsFirst() {
    long[] source = tensor.shape().dims();
    long[] dims = new long[source.length];
    dims[0] = source[rowAxis];
    int next = 1;
    for (int axis = 0; axis < source.length; axis++) {
      if (axis != rowAxis) {
        dims[next++] = source[axis];
      }
    }
    return TensorShape.of(dims);
  }
}
