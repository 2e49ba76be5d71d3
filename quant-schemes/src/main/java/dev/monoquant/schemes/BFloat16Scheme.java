package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code bfloat16}: casts every value to the nearest bfloat16, the upper half of a float32.
 *
 * <p><b>Part:</b> {@code values}, BFLOAT16, (rows, cols); nothing else.
 *
 * <p><b>Rounding</b> is to nearest, ties to even, subnormals kept: the bits of {@code
 * tensor.to(torch.bfloat16)} in torch 2.13.0 on a CPU. A FLOAT64 is rounded to float32 first. Zeros
 * keep their sign. Values must be finite, as for any scheme; a finite value that would become
 * infinite (from about 3.396e38 on) is refused with a {@link dev.monoquant.ValidationException},
 * and so is a FLOAT16 from 65408 on, whose nearest bfloat16 is out of the range of FLOAT16.
 *
 * <p><b>Error:</b> half the distance between bfloat16 values at the largest magnitude of the row,
 * 2^-8 of it; 0 for a BFLOAT16 weight, which is copied.
 *
 * <p><b>Options:</b> bits are 16, the profile is {@code compressed-tensors}, whose casts are those
 * of torch. Symmetry and granularity have no meaning and are ignored. {@link
 * dev.monoquant.spi.Compute#TORCH} also computes in Java: DJL has no arrays of this type.
 *
 * <p>Stateless, its workers immutable and thread-safe. What this does not do: it does not scale or
 * saturate.
 */
@AutoService(Scheme.class)
public final class BFloat16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public BFloat16Scheme() {
    super("bfloat16", ElementType.BFLOAT16);
  }
}
