package dev.monoquant.core.run;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.open.OwnOptions;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Formula;
import java.util.HashMap;
import java.util.Map;

/** Schemes and options of weights read from a file, not yet checked. Not thread-safe. */
public final class StoredOptions {

  private final Plugins plugins;
  private final Map<String, String> madeBy;
  private final Map<SchemeId, OwnOptions> described = new HashMap<>();

  /**
   * @param source the model that holds the weights; what it says of how it was made helps to find a
   *     scheme that is missing
   */
  public StoredOptions(Plugins plugins, ModelSource source) {
    this.plugins = plugins;
    this.madeBy = ProvenanceText.plugins(source.info().metadata());
  }

  /**
   * {@return the scheme that reads a weight}
   *
   * @throws ConfigurationException if there is none, or an older one; the message names the class
   *     and version that made the weight, if its file does
   */
  public Scheme scheme(EncodedWeight weight) {
    try {
      return plugins.scheme(weight.scheme());
    } catch (ConfigurationException e) {
      String maker = madeBy.get("scheme " + weight.scheme().name());
      if (maker == null) {
        throw e;
      }
      throw new ConfigurationException(
          e.getMessage()
              + ". "
              + QuantException.quote(weight.name())
              + " was made by "
              + QuantException.quote(maker)
              + " (class and version, as the file says)",
          e);
    }
  }

  /**
   * {@return the weight with a value for every option of its scheme, those that its file does not
   * have at their defaults}
   *
   * @throws dev.monoquant.ConfigurationException if there is no such scheme, or it does not allow
   *     the options that the file says; or if no formula says how the weight is decoded, and the
   *     scheme cannot have made such a weight
   */
  public EncodedWeight complete(EncodedWeight weight) {
    Scheme scheme = scheme(weight);
    OwnOptions own = described.computeIfAbsent(weight.scheme(), id -> OwnOptions.of(scheme));
    EncodedWeight complete = weight.withOptions(own.values(weight.options().texts()));
    if (weight.encoding().formula() instanceof Formula.Opaque) {
      scheme.fit(complete.matrix(), complete.options()).orThrow(complete.matrix());
    }
    return complete;
  }
}
