package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Granularity;

/**
 * {@code int3}: integer codes of 3 bits.
 */
@AutoService(Scheme.class)
public final class Int3Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int3Scheme() {
    super(3, Granularity.group(128));
  }
}
