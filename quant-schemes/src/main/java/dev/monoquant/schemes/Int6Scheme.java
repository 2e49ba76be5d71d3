package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int6}: signed integer codes of 6 bits, from -32 to 31, by default symmetric with a scale
 * for each group of 128 columns. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int6Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int6Scheme() {
    super(6, "group:128");
  }
}
