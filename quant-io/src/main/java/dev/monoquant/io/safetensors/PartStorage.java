package dev.monoquant.io.safetensors;

import dev.monoquant.files.parts.BitPacking;
import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.files.parts.CellRows;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.List;

/**
 * How a part of a quantized weight is stored as a tensor.
 *
 * <ul>
 *   <li>Name: that of the weight for {@code codes} and for the {@code values} of a cast, else
 *       {@code WEIGHT_PART}.
 *   <li>Cells below 8 bits: packed along each row of cells, element i at bit i * bits of the row's
 *       bytes, least significant bit first, two's complement if signed, as U8 of shape (cell rows,
 *       ceil(cell columns * bits / 8)). Of a whole part the last axis is the row.
 *   <li>The values of a cast: as they are, in the weight's own shape and axis order.
 *   <li>Else: as they are; one cell for each number keeps the weight's rank with the row axis
 *       first, any other grid is (cell rows, cell columns), a whole part has its own shape.
 * </ul>
 *
 * <p>Immutable; what a tile is written by is worked out once.
 */
final class PartStorage {

  static final String VALUES = "values";

  private final EncodedWeight weight;
  private final Part part;
  private final TensorInfo tensor;
  private final CellRows cellRows;

  private PartStorage(EncodedWeight weight, Part part) {
    this.weight = weight;
    this.part = part;
    WeightMatrix rows = weight.rows();
    boolean main = part.name().equals(Part.CODES) || isCast();
    String name = main ? weight.name() : weight.name() + "_" + part.name();
    this.tensor = new TensorInfo(name, isPacked() ? ElementType.UINT8 : part.type(), shape(rows));
    this.cellRows = CellRows.of(part, rows);
  }

  static List<PartStorage> of(EncodedWeight weight) {
    List<PartStorage> parts = new ArrayList<>();
    weight.encoding().parts().forEach(p -> parts.add(new PartStorage(weight, p)));
    return parts;
  }

  /** {@return whether the part is a tensor of floats like the weight itself} */
  boolean isCast() {
    return weight.encoding().parts().size() == 1
        && part.name().equals(VALUES)
        && part.type().isQuantizable()
        && part.extent().equals(new Part.Grid(1, 1));
  }

  boolean isPacked() {
    return part.type().bits() < 8;
  }

  /** {@return whether the rows of the matrix are not rows of the stored tensor} */
  boolean isScattered() {
    return isCast() && weight.rows().rowAxis() != 0;
  }

  /** {@return the weight} */
  EncodedWeight weight() {
    return weight;
  }

  /** {@return the part of it} */
  Part part() {
    return part;
  }

  /** {@return the tensor that holds it} */
  TensorInfo tensor() {
    return tensor;
  }

  private TensorShape shape(WeightMatrix rows) {
    if (isCast()) {
      return rows.tensor().shape();
    }
    TensorShape cells = part.shape(rows.rows(), rows.cols());
    if (!isPacked()) {
      return part.extent().equals(new Part.Grid(1, 1)) ? rows.rowsFirst() : cells;
    }
    if (cells.rank() == 0) {
      return TensorShape.of(1);
    }
    long[] dims = cells.dims();
    dims[dims.length - 1] = BitPacking.packedBytes(dims[dims.length - 1], part.type().bits());
    return TensorShape.of(dims);
  }

  /** {@return how its cells lie in the file} */
  CellRows cellRows() {
    return cellRows;
  }

  /** {@return the stored row in which the cells of that row of the weight lie} */
  long cellRow(long row) {
    return row / CellGrid.grid(part).rowsPerCell();
  }
}
