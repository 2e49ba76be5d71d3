package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Granularity;

/**
 * {@code int8}: integer codes of 8 bits.
 */
@AutoService(Scheme.class)
public final class Int8Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int8Scheme() {
    super(8, Granularity.CHANNEL);
  }
}
