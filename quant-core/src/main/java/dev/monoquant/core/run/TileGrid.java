package dev.monoquant.core.run;

import dev.monoquant.spi.EncodedWeight;

/** Divides a weight into tiles of whole rows, a multiple of the encoding's row alignment. */
public final class TileGrid {

  private TileGrid() {}

  /** The rows of a tile with about {@code elements} numbers, at least one alignment. */
  public static int height(EncodedWeight weight, int elements) {
    int alignment = weight.encoding().rowAlignment();
    long cols = Math.max(1, weight.matrix().columnCount());
    long rows = Math.max(1, elements / cols);
    long aligned = Math.max(alignment, rows / alignment * alignment);
    // No taller than the weight needs, so that buffers stay small for small weights.
    long needed = (weight.matrix().rowCount() + alignment - 1) / alignment * alignment;
    return (int) Math.min(aligned, needed);
  }

  /** The number of tiles of that height. */
  public static int tiles(EncodedWeight weight, int height) {
    return Math.toIntExact((weight.matrix().rowCount() + height - 1) / height);
  }
}
