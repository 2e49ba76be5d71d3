package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int7}: signed integer codes of 7 bits, from -64 to 63, by default symmetric with a scale
 * for each group of 128 columns. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int7Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int7Scheme() {
    super(7, "group:128");
  }
}
