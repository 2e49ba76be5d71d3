package dev.monoquant.spi;

/**
 * The mean of x xᵀ over the rows x that entered a layer: symmetric, K x K for a layer of K columns.
 * Its diagonal is the mean square of each column. The mean square of the output error of weights W
 * that decode to Q is {@code trace((W - Q) G (W - Q)ᵀ)}, summed over the outputs.
 *
 * <p>Rows are read when they are needed: a matrix of 18,432 columns has 1.3 GiB. Values may be
 * wrong or not finite in a damaged file; who factorises the matrix checks it. Thread-safe.
 */
public interface GramMatrix {

  /** {@return the number of rows, which is that of the columns} */
  int size();

  /**
   * Reads one row.
   *
   * @param row 0 to {@link #size()} - 1
   * @param into receives {@link #size()} values
   * @throws dev.monoquant.ModelFormatException if the file cannot be read any more
   */
  void readRow(int row, float[] into);

  /** {@return the mean square of each column; reads the whole matrix} */
  default float[] diagonal() {
    float[] diagonal = new float[size()];
    float[] row = new float[size()];
    for (int i = 0; i < row.length; i++) {
      readRow(i, row);
      diagonal[i] = row[i];
    }
    return diagonal;
  }
}
