package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import org.jspecify.annotations.Nullable;

/** How many numbers share a scale, in the words of compressed-tensors. */
sealed interface Strategy {

  /** One scale, shape (1). */
  record Tensor() implements Strategy {}

  /** A scale a row, shape (rows, 1). */
  record Channel() implements Strategy {}

  /**
   * A scale for each run of columns, shape (rows, groups).
   *
   * @param size columns in a group
   */
  record Group(int size) implements Strategy {}

  default String wire() {
    return this instanceof Tensor ? "tensor" : this instanceof Channel ? "channel" : "group";
  }

  default Granularity granularity() {
    return this instanceof Group g
        ? Granularity.group(g.size())
        : this instanceof Channel ? Granularity.CHANNEL : Granularity.TENSOR;
  }

  default Part part(String name, ElementType type) {
    return this instanceof Group g
        ? Part.perGroup(name, type, g.size())
        : this instanceof Channel ? Part.perRow(name, type) : Part.perTensor(name, type);
  }

  /** {@return the strategy of a part with such an extent, or null if there is none} */
  static @Nullable Strategy of(Part.Extent extent) {
    if (extent instanceof Part.Whole whole) {
      return whole.own().equals(TensorShape.of(1)) ? new Tensor() : null;
    }
    Part.Grid grid = (Part.Grid) extent;
    if (grid.rowsPerCell() != 1 || grid.width() != 1 || grid.colsPerCell() < 1) {
      return null;
    }
    if (grid.colsPerCell() == Part.Grid.ALL) {
      return new Channel();
    }
    return grid.colsPerCell() <= Integer.MAX_VALUE ? new Group((int) grid.colsPerCell()) : null;
  }
}
