package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code float16}: to be written.
 */
@AutoService(Scheme.class)
public final class Float16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public Float16Scheme() {
    super("float16", ElementType.FLOAT16);
  }
}
