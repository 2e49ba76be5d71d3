package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int2}: signed integer codes of 2 bits, from -2 to 1, by default symmetric with a scale for
 * each group of 32 columns. With so few levels it gains most by {@code search=grid}. Everything
 * else is that of {@link IntegerScheme}.
 */
@AutoService(Scheme.class)
public final class Int2Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int2Scheme() {
    super(2, "group:32");
  }
}
