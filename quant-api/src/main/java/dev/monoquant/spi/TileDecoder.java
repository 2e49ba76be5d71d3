package dev.monoquant.spi;

import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;

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
   * The decoder of a weight: that of its formula, or the scheme's own if the formula is opaque.
   *
   * @param scheme the scheme of the weight
   * @param weight the weight
   * @return an immutable, thread-safe worker
   * @throws PluginException if there is neither
   */
  static TileDecoder of(Scheme scheme, EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Opaque)) {
      return new FormulaDecoder(weight);
    }
    return scheme
        .decoder(weight.rows(), weight.options())
        .orElseThrow(
            () ->
                new PluginException(
                    "scheme "
                        + weight.scheme()
                        + " on "
                        + QuantException.quote(weight.name())
                        + ": its formula is opaque, so it must bring a decoder, and it has none"));
  }
}
