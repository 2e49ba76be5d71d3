package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code bfloat16}: to be written.
 */
@AutoService(Scheme.class)
public final class BFloat16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public BFloat16Scheme() {
    super("bfloat16", ElementType.BFLOAT16);
  }
}
