package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code float16}: casts every value to the nearest float16.
 *
 * <p><b>Part:</b> {@code values}, FLOAT16, (rows, cols); nothing else.
 *
 * <p><b>Rounding</b> is to nearest, ties to even, subnormals kept: the bits of {@code
 * tensor.to(torch.float16)} in torch 2.13.0 on a CPU. A FLOAT64 is rounded to float32 first. Zeros
 * keep their sign. Values must be finite, as for any scheme; a finite value that would become
 * infinite (from 65520 on) is refused with a {@link dev.monoquant.ValidationException} that counts
 * them and names the first. A value below 2^-25 in magnitude becomes 0.
 *
 * <p><b>Error:</b> half the distance between float16 values at the largest magnitude of the row:
 * 2^-11 of it or, below 2^-14, 2^-25; 0 for a FLOAT16 weight, which is copied.
 *
 * <p><b>Options:</b> bits are 16, the profile is {@code compressed-tensors}, whose casts are those
 * of torch. Symmetry and granularity have no meaning and are ignored. With {@link
 * dev.monoquant.spi.Compute#TORCH} the cast is a tensor operation, with the same bits.
 *
 * <p>Stateless, its workers immutable and thread-safe. What this does not do: it does not scale or
 * saturate.
 */
@AutoService(Scheme.class)
public final class Float16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public Float16Scheme() {
    super("float16", ElementType.FLOAT16);
  }
}
