package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int3}: signed integer codes of 3 bits, from -4 to 3, by default symmetric with a scale for
 * each group of 128 columns. Everything else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int3Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int3Scheme() {
    super(3, "group:128");
  }
}
