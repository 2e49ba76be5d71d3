package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int4}: signed integer codes of 4 bits, from -8 to 7, by default symmetric with a scale for
 * each group of 128 columns. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int4Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int4Scheme() {
    super(4, "group:128");
  }
}
