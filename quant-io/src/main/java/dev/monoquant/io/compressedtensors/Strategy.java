package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import org.jspecify.annotations.Nullable;

/** How many numbers share a scale, with the names of compressed-tensors. */
sealed interface Strategy {

  /** One scale, shape (1). */
  record Tensor() implements Strategy {}

  /** A scale for each row, shape (rows, 1). */
  record Channel() implements Strategy {}

  /**
   * A scale for each run of columns, shape (rows, groups).
   *
   * @param size columns in a group
   */
  record Group(int size) implements Strategy {}

  /**
   * A scale for each run of columns, shape (rows, groups), and one for the tensor that divides
   * them.
   *
   * @param size columns in a group
   */
  record TensorGroup(int size) implements Strategy {}

  /**
   * A scale for each block, shape (blocks down, blocks across); the last ones hold the remainder.
   *
   * @param rows rows in a block
   * @param columns columns in a block
   */
  record Block(int rows, int columns) implements Strategy {}

  default String wire() {
    if (this instanceof Tensor) {
      return "tensor";
    }
    if (this instanceof Channel) {
      return "channel";
    }
    return this instanceof Group ? "group" : this instanceof Block ? "block" : "tensor_group";
  }

  default Granularity granularity() {
    if (this instanceof Group g) {
      return Granularity.group(g.size());
    }
    if (this instanceof TensorGroup g) {
      return Granularity.group(g.size());
    }
    if (this instanceof Block b) {
      return Granularity.block(b.rows(), b.columns());
    }
    return this instanceof Channel ? Granularity.CHANNEL : Granularity.TENSOR;
  }

  default Part part(String name, ElementType type) {
    if (this instanceof Group g) {
      return Part.perGroup(name, type, g.size());
    }
    if (this instanceof TensorGroup g) {
      return Part.perGroup(name, type, g.size());
    }
    if (this instanceof Block b) {
      return Part.perBlock(name, type, b.rows(), b.columns());
    }
    return this instanceof Channel ? Part.perRow(name, type) : Part.perTensor(name, type);
  }

  /** {@return columns that share a scale; 0 if all do} */
  default int groupSize() {
    return this instanceof Group g ? g.size() : this instanceof TensorGroup t ? t.size() : 0;
  }

  /** {@return the strategy for scales of an extent, or null if there is none} */
  static @Nullable Strategy of(Part.Extent extent) {
    if (extent instanceof Part.Whole whole) {
      return whole.own().equals(TensorShape.of(1)) ? new Tensor() : null;
    }
    Part.Grid grid = (Part.Grid) extent;
    boolean all = grid.colsPerCell() == Part.Grid.ALL;
    if (grid.width() != 1 || (!all && grid.colsPerCell() > Integer.MAX_VALUE)) {
      return null;
    }
    if (grid.rowsPerCell() > 1) {
      return all ? null : new Block(grid.rowsPerCell(), (int) grid.colsPerCell());
    }
    return all ? new Channel() : new Group((int) grid.colsPerCell());
  }
}
