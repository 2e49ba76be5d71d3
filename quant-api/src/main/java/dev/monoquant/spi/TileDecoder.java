package dev.monoquant.spi;

import dev.monoquant.tile.EncodedTile;

/** Decodes the tiles of one weight. Immutable and thread-safe. */
@FunctionalInterface
public interface TileDecoder {

  /**
   * Writes the numbers that the codes stand for, each representable in the weight's own type.
   *
   * @param tile all parts of a block of rows, the whole ones included; read only
   * @param out row-major, at least {@code tile.height() * cols} elements; those beyond stay
   *     untouched
   */
  void decode(EncodedTile tile, float[] out);

  /**
   * The decoder of a weight: the scheme's own if it brings one, else that of the formula.
   *
   * @param scheme the scheme of the weight
   * @param weight the weight
   * @return an immutable, thread-safe worker
   * @throws dev.monoquant.PluginException if there is neither
   */
  static TileDecoder of(Scheme scheme, EncodedWeight weight) {
    return scheme
        .decoder(weight.rows(), weight.options())
        .orElseGet(() -> FormulaDecoder.of(weight));
  }
}
