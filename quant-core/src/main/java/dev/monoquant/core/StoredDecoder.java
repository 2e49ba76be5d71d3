package dev.monoquant.core;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import java.util.HashMap;
import java.util.Map;

/**
 * Decoders of weights that come out of a file, whose options nobody has checked yet. Not
 * thread-safe.
 */
final class StoredDecoder {

  private final Plugins plugins;
  private final Map<SchemeId, OwnOptions> described = new HashMap<>();

  StoredDecoder(Plugins plugins) {
    this.plugins = plugins;
  }

  /**
   * {@return a decoder}
   *
   * @throws dev.monoquant.ConfigurationException if there is no such scheme, or it does not allow
   *     the options that the file says or cannot have made such a weight with them
   */
  TileDecoder of(EncodedWeight weight) {
    Scheme scheme = plugins.scheme(weight.scheme());
    OwnOptions own = described.computeIfAbsent(weight.scheme(), id -> OwnOptions.of(scheme));
    OptionValues options = own.values(weight.options().texts());
    scheme.fit(weight.rows(), options).orThrow(weight.rows());
    return scheme.decoder(weight.rows(), options);
  }
}
