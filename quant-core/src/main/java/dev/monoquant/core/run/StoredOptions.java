package dev.monoquant.core.run;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.HashMap;
import java.util.Map;

/** Schemes and options of weights read from a file, not yet checked. Not thread-safe. */
public final class StoredOptions {

  /** What one product and one division that are rounded may add to an error. */
  private static final double DIVISIONS = 1 + 1e-5;

  private final Plugins plugins;
  private final Map<String, String> madeBy;
  private final Map<SchemeId, OwnOptions> described = new HashMap<>();

  /**
   * @param source the model that holds the weights; its provenance helps to find a missing scheme
   */
  public StoredOptions(Plugins plugins, ModelSource source) {
    this.plugins = plugins;
    this.madeBy = ProvenanceText.plugins(source.info().metadata());
  }

  /**
   * {@return the decoder of a weight}
   *
   * @throws ConfigurationException as {@link #complete} throws it
   */
  public TileDecoder decoder(EncodedWeight weight) {
    return isForeign(weight)
        ? TileDecoder.ofFormula(weight)
        : scheme(weight).decoderOf(complete(weight));
  }

  /**
   * {@return the error bound of a weight; none if the scheme cannot have made it, or if another
   * project quantized it}
   *
   * @throws ConfigurationException as {@link #complete} throws it
   */
  public ErrorBound bound(EncodedWeight weight) {
    if (isForeign(weight)) {
      return ErrorBound.NONE;
    }
    EncodedWeight complete = complete(weight);
    Scheme scheme = scheme(weight);
    if (!(scheme.fit(complete.matrix(), complete.options()) instanceof Fit.Fits)) {
      return ErrorBound.NONE;
    }
    ErrorBound bound = scheme.bound(complete.matrix(), complete.options());
    return weight.encoding().columnFactors().map(part -> divided(bound, part)).orElse(bound);
  }

  /** The bound of multiplied numbers, for those that they are divided to. */
  private static ErrorBound divided(ErrorBound bound, Part factors) {
    return (tile, row) -> {
      float least = Float.POSITIVE_INFINITY;
      for (float factor : factors.toFloats(tile.part(factors.name()))) {
        least = Math.min(least, factor);
      }
      return bound.of(tile, row) / least * DIVISIONS;
    };
  }

  /**
   * Whether another project quantized a weight: it has a formula, and its file does not name a
   * scheme of this library as its origin.
   */
  private boolean isForeign(EncodedWeight weight) {
    return !(weight.encoding().formula() instanceof Formula.Opaque)
        && !madeBy.containsKey("scheme " + weight.scheme().name())
        && plugins.schemes().stream().noneMatch(s -> s.id().name().equals(weight.scheme().name()));
  }

  /**
   * {@return the scheme that reads a weight}
   *
   * @throws ConfigurationException if the scheme is missing, or older than the weight; the message
   *     names the class and version that made the weight, if its file does
   */
  public Scheme scheme(EncodedWeight weight) {
    try {
      return plugins.scheme(weight.scheme());
    } catch (ConfigurationException e) {
      String maker = madeBy.get("scheme " + weight.scheme().name());
      if (maker == null) {
        throw isUnknown(weight) ? undecoded(weight, e) : e;
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

  /** Whether only a plugin could read a weight, and there is none. */
  private boolean isUnknown(EncodedWeight weight) {
    return weight.encoding().formula() instanceof Formula.Opaque
        && plugins.problems().isEmpty()
        && plugins.schemes().stream().noneMatch(s -> s.id().name().equals(weight.scheme().name()));
  }

  private static ConfigurationException undecoded(EncodedWeight weight, Exception cause) {
    return new ConfigurationException(
        QuantException.quote(weight.name())
            + " is quantized by "
            + weight.scheme().name()
            + ", which is not decoded, as there is no scheme "
            + QuantException.quote(weight.scheme().name())
            + ": it can be listed, and nothing else. Take the model in another type, or a plugin"
            + " with this scheme",
        cause);
  }

  /**
   * {@return the weight with a value for every option of its scheme, with defaults for those that
   * its file does not have}
   *
   * @throws dev.monoquant.ConfigurationException if there is no such scheme, or it does not allow
   *     the options in the file; or if the weight has no decoding formula, and the scheme cannot
   *     have made such a weight
   */
  public EncodedWeight complete(EncodedWeight weight) {
    if (isForeign(weight)) {
      return weight;
    }
    Scheme scheme = scheme(weight);
    OwnOptions own = described.computeIfAbsent(weight.scheme(), id -> OwnOptions.of(scheme));
    EncodedWeight complete = weight.withOptions(own.values(weight.options().texts()));
    if (weight.encoding().formula() instanceof Formula.Opaque) {
      scheme.fit(complete.matrix(), complete.options()).orThrow(complete.matrix());
    }
    return complete;
  }
}
