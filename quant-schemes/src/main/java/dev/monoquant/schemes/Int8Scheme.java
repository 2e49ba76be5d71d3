package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int8}: signed integer codes of 8 bits, from -128 to 127, by default symmetric with a scale
 * for each row. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int8Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int8Scheme() {
    super(8, "channel");
  }
}
