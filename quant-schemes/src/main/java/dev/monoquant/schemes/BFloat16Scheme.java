package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code bfloat16}: every number as the nearest bfloat16, the upper half of a float32.
 *
 * <p><b>Part:</b> {@code values}, BFLOAT16, (rows, cols); nothing else.
 *
 * <p><b>Rounding</b> is to nearest, ties to even, subnormals kept: the bits of {@code
 * tensor.to(torch.bfloat16)} in torch 2.13.0 on a CPU. A FLOAT64 is rounded to float32 first. Zeros
 * keep their sign. Numbers must be finite, as for any scheme; a finite number that would become
 * infinite (from about 3.396e38 on) is refused with a {@link dev.monoquant.ValidationException},
 * and so is a FLOAT16 from 65408 on, whose nearest bfloat16 no FLOAT16 can hold.
 *
 * <p><b>Error:</b> half the distance between bfloat16 numbers at the greatest of the row, 2^-8 of
 * it; 0 if the weight is BFLOAT16 already, which is allowed and copies.
 *
 * <p><b>Options:</b> bits are 16, the profile is {@code compressed-tensors}, where a cast is that
 * of torch. Symmetry and granularity have no meaning here and are not looked at. {@link
 * dev.monoquant.spi.Compute#TORCH} computes in Java too: DJL has no arrays of this type.
 *
 * <p>Stateless, its workers immutable and thread-safe. What this does not do: it scales nothing,
 * and it does not saturate.
 */
@AutoService(Scheme.class)
public final class BFloat16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public BFloat16Scheme() {
    super("bfloat16", ElementType.BFLOAT16);
  }
}
