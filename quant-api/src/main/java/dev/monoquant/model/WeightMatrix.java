package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

/**
 * A weight seen as a matrix: rows are outputs (each may have its own scale), columns are inputs
 * (the values that share a scale).
 *
 * <p>The matrix is a view of a tensor of any rank: the axis {@link #rowAxis()} becomes the rows,
 * all others in their order become the columns. With {@code rowAxis} 0 the matrix has the order of
 * the tensor's memory; with 1 (GPT-2's Conv1D, transposed convolutions) it is a transpose.
 *
 * <p>Grouped transposed convolutions: the weight is (inputs, outputs / groups, ...), so a row holds
 * the numbers of one output channel <em>of every group</em>. That is the channel axis of PyTorch
 * ({@code ch_axis = 1}), and the finest granularity along the tensor's axes.
 *
 * @param layer the module path of the layer
 * @param kind the kind of the layer
 * @param param the local name of the tensor, such as {@code weight}
 * @param tensor the tensor
 * @param rowAxis the axis that becomes the rows
 */
public record WeightMatrix(
    String layer, LayerKind kind, String param, TensorInfo tensor, int rowAxis) {

  /** Checks that the tensor has that axis. */
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
  public long rowCount() {
    return tensor.shape().dim(rowAxis);
  }

  /** {@return the number of columns (inputs)} */
  public long columnCount() {
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

  /**
   * The location of rows of the matrix in the memory of the tensor.
   *
   * @param rows rows of this matrix
   * @return the runs of consecutive numbers that hold them
   * @throws IllegalArgumentException if the matrix does not have these rows
   */
  public Runs runs(RowRange rows) {
    if (rows.end() > rowCount()) {
      throw new IllegalArgumentException(
          String.format(
              "rows %d to %d of %s, which has %d", rows.first(), rows.end(), this, rowCount()));
    }
    long count = 1;
    for (int axis = 0; axis < rowAxis; axis++) {
      count *= tensor.shape().dim(axis);
    }
    int width = count == 0 ? 0 : Math.toIntExact(columnCount() / count);
    return new Runs(
        Math.toIntExact(count), width, rows.height(), rows.first() * width, rowCount() * width);
  }

  /**
   * Rows of a matrix as runs of consecutive numbers of the tensor. Run {@code k} holds, row after
   * row, the columns {@code k * width} to {@code (k + 1) * width - 1}:
   *
   * <pre>
   *                 columns   0 .. width-1   width .. 2*width-1   ...
   * row first               [    run 0     |      run 1         | ... ]
   * row first+1             [    run 0     |      run 1         | ... ]
   * </pre>
   *
   * With row axis 0 there is one run, as wide as the matrix.
   *
   * @param count the number of runs
   * @param width the columns of one row that a run holds
   * @param height the rows
   * @param first the index of the first number of run 0 in the tensor
   * @param stride from the first number of a run to that of the next one
   */
  public record Runs(int count, int width, int height, long first, long stride) {

    /** Rows per step: more cache lines at these distances evict each other. */
    private static final int BLOCK = 8;

    /**
     * {@return the index in the tensor of the first number of a run}
     *
     * @param run 0 to {@link #count()} - 1
     */
    public long start(int run) {
      return first + run * stride;
    }

    /** {@return the numbers in each run} */
    public int length() {
      return Math.multiplyExact(width, height);
    }

    /**
     * Copies runs into the rows.
     *
     * @param runs numbers of the runs from {@code from} on, one run after the other
     * @param from the first of these runs
     * @param n how many runs
     * @param rows the rows, row-major
     */
    public void scatter(float[] runs, int from, int n, float[] rows) {
      copy(runs, from, n, rows, true);
    }

    /**
     * Copies values of the rows into runs; the inverse of {@link #scatter}.
     *
     * @param rows the rows, row-major
     * @param from the first run
     * @param n how many runs
     * @param runs receives the values, one run after the other
     */
    public void gather(float[] rows, int from, int n, float[] runs) {
      copy(runs, from, n, rows, false);
    }

    private void copy(float[] runs, int from, int n, float[] rows, boolean toRows) {
      int length = length();
      int columns = count * width;
      for (int block = 0; block < height; block += BLOCK) {
        int end = Math.min(height, block + BLOCK);
        for (int k = 0; k < n; k++) {
          int run = k * length;
          int column = (from + k) * width;
          for (int r = block; r < end; r++) {
            int at = r * columns + column;
            if (width != 1 && toRows) {
              System.arraycopy(runs, run + r * width, rows, at, width);
            } else if (width != 1) {
              System.arraycopy(rows, at, runs, run + r * width, width);
            } else if (toRows) {
              rows[at] = runs[run + r];
            } else {
              runs[run + r] = rows[at];
            }
          }
        }
      }
    }
  }
}
