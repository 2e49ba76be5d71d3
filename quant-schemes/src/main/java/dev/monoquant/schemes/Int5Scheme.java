package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int5}: signed integer codes of 5 bits, from -16 to 15, by default symmetric with a scale
 * for each group of 128 columns. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int5Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int5Scheme() {
    super(5, "group:128");
  }
}
