package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code float16}: every number as the nearest float16.
 *
 * <p><b>Part:</b> {@code values}, FLOAT16, (rows, cols); nothing else.
 *
 * <p><b>Rounding</b> is to nearest, ties to even, subnormals kept: the bits of {@code
 * tensor.to(torch.float16)} in torch 2.13.0 on a CPU. A FLOAT64 is rounded to float32 first. Zeros
 * keep their sign. Numbers must be finite, as for any scheme; a finite number that would become
 * infinite (from 65520 on) is refused with a {@link dev.monoquant.ValidationException} that counts
 * them and names the first. Below 2^-25 in magnitude a number becomes 0.
 *
 * <p><b>Error:</b> half the distance between float16 numbers at the greatest of the row, that is
 * 2^-11 of it or, below 2^-14, 2^-25; 0 if the weight is FLOAT16 already, which is allowed and
 * copies.
 *
 * <p><b>Options:</b> bits are 16, the profile is {@code compressed-tensors}, where a cast is that
 * of torch. Symmetry and granularity have no meaning here and are not looked at. With {@link
 * dev.monoquant.spi.Compute#TORCH} the cast is a tensor operation, with the same bits.
 *
 * <p>Stateless, its workers immutable and thread-safe. What this does not do: it scales nothing,
 * and it does not saturate.
 */
@AutoService(Scheme.class)
public final class Float16Scheme extends CastScheme {

  /** Makes the scheme; it has no state. */
  public Float16Scheme() {
    super("float16", ElementType.FLOAT16);
  }
}
