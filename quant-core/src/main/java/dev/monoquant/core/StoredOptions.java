package dev.monoquant.core;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Formula;
import java.util.HashMap;
import java.util.Map;

/** Options of weights that come out of a file, which nobody has checked yet. Not thread-safe. */
final class StoredOptions {

  private final Plugins plugins;
  private final Map<SchemeId, OwnOptions> described = new HashMap<>();

  StoredOptions(Plugins plugins) {
    this.plugins = plugins;
  }

  /**
   * {@return the weight with a value for every option of its scheme, those that its file does not
   * have at their defaults}
   *
   * @throws dev.monoquant.ConfigurationException if there is no such scheme, or it does not allow
   *     the options that the file says; or if no formula says how the weight is decoded, and the
   *     scheme cannot have made such a weight
   */
  EncodedWeight complete(EncodedWeight weight) {
    Scheme scheme = plugins.scheme(weight.scheme());
    OwnOptions own = described.computeIfAbsent(weight.scheme(), id -> OwnOptions.of(scheme));
    EncodedWeight complete = weight.withOptions(own.values(weight.options().texts()));
    if (weight.encoding().formula() instanceof Formula.Opaque) {
      scheme.fit(complete.rows(), complete.options()).orThrow(complete.rows());
    }
    return complete;
  }
}
