package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.Map;

/** Quantizes the tiles of one weight. Immutable and thread-safe; tiles come in any order. */
@FunctionalInterface
public interface TileQuantizer {

  /**
   * Quantizes a block of rows.
   *
   * <p>Every number is finite: what happens to others is the user's policy, applied before. The
   * result is checked: every tiled part of the encoding must be there with its exact number of
   * bytes, codes in the range of their type, floats finite.
   *
   * @param tile the numbers, a private copy valid during this call
   * @return all tiled parts, for exactly the rows of the tile
   */
  EncodedTile quantize(Tile tile);

  /**
   * The parts that belong to the tensor as a whole, such as a single scale or a codebook. Asked for
   * once, after {@link Scheme#begin}.
   *
   * @return the bytes of every {@link dev.monoquant.tile.Part.Whole} part by name
   */
  default Map<String, byte[]> tensorParts() {
    return Map.of();
  }
}
