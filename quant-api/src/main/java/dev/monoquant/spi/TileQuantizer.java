package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;

/** Quantizes the tiles of one weight. Immutable and thread-safe; tiles come in any order. */
@FunctionalInterface
public interface TileQuantizer {

  /**
   * Quantizes a block of rows.
   *
   * <p>All values are finite: the framework applies the user's policy for other values before. It
   * checks the result: every tiled part of the encoding must be present with its exact number of
   * bytes, codes in the range of their type, and floats finite.
   *
   * @param tile the values, a private copy valid during this call
   * @return all tiled parts, for exactly the rows of the tile
   */
  EncodedTile quantize(Tile tile);

  /**
   * The whole parts, such as a single scale or a codebook. Called once, after {@link Scheme#begin}.
   *
   * @return the bytes of every {@link dev.monoquant.tile.Part.Whole} part by name
   */
  default Map<String, byte[]> tensorParts() {
    return Map.of();
  }

  /**
   * What the user must know of how this weight is quantized, such as that a method does not work
   * for its values and another one takes its place. Called once, after {@link Scheme#begin}; the
   * report has it as a warning about the weight.
   *
   * @return half a sentence after the name of the weight; empty if there is nothing
   */
  default Optional<String> warning() {
    return Optional.empty();
  }
}
