package dev.monoquant.core.run;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;

/** Divides a weight into tiles of whole rows, a multiple of the encoding's row alignment. */
public final class TileGrid {

  private TileGrid() {}

  /** The rows of a tile with about {@code elements} numbers, at least one alignment. */
  public static int height(EncodedWeight weight, int elements) {
    return height(weight.matrix(), weight.encoding().rowAlignment(), elements);
  }

  /** The same for a matrix that is encoded in several ways, each aligned as given or less. */
  static int height(WeightMatrix matrix, int alignment, int elements) {
    long cols = Math.max(1, matrix.columnCount());
    long rows = Math.max(1, elements / cols);
    long aligned = Math.max(alignment, rows / alignment * alignment);
    // No taller than the weight needs, so that buffers stay small for small weights.
    long needed = (matrix.rowCount() + alignment - 1) / alignment * alignment;
    return (int) Math.min(aligned, needed);
  }

  /** The number of tiles of that height. */
  public static int tiles(EncodedWeight weight, int height) {
    return tiles(weight.matrix(), height);
  }

  /** The number of tiles of that height. */
  static int tiles(WeightMatrix matrix, int height) {
    return Math.toIntExact((matrix.rowCount() + height - 1) / height);
  }
}
