package dev.monoquant.io.torchscript;

import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.files.parts.CellRows;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Part;

/**
 * A part of a weight that is held quantized, as bytes of a storage: rows of cells one after the
 * other, each as {@link CellRows} has it. Rows are those of the matrix, also where they lie on
 * another axis than the first of the weight.
 *
 * @param rows the weight
 * @param part one of its parts
 */
record HeldPart(WeightMatrix rows, Part part) {

  static HeldPart of(EncodedWeight weight, Part part) {
    return new HeldPart(weight.rows(), part);
  }

  CellRows cells() {
    return CellRows.of(part, rows);
  }

  /** {@return rows of cells of all of the weight} */
  long cellRows() {
    long cells = part.shape(rows.rows(), rows.cols()).elements();
    return cells / Math.max(1, cells().cells());
  }

  /** {@return rows of cells in some rows of the weight; of a whole part all of them} */
  int cellRows(int height) {
    return Math.toIntExact(part.tiled() ? CellGrid.grid(part).cellRows(height) : cellRows());
  }

  /** {@return bytes of the storage} */
  long bytes() {
    return Math.multiplyExact(cellRows(), cells().bytes());
  }

  /** {@return the byte of the storage where the cells of that row begin; 0 for a whole part} */
  long offset(long firstRow) {
    return part.tiled() ? firstRow / CellGrid.grid(part).rowsPerCell() * cells().bytes() : 0;
  }
}
