package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Granularity;

/**
 * {@code int4}: integer codes of 4 bits.
 */
@AutoService(Scheme.class)
public final class Int4Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int4Scheme() {
    super(4, Granularity.group(128));
  }
}
