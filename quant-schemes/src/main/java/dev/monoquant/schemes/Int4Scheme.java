package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int4}: signed integer codes of 4 bits, by default symmetric with a scale for each group of
 * 128 columns.
 *
 * <p>The arithmetic is exactly that of {@link Int8Scheme}, with codes from -8 to 7 and N = 15:
 * parts, formula, precision, zeros, errors, source and both ways to compute are described there.
 * The parts {@code codes} and {@code zero_point} are of type INT4. A symmetric scale is the largest
 * magnitude divided by 7.5.
 *
 * <p>With so few levels a step is a large part of a row's range, so few values should share a
 * scale: hence groups. The group size must divide the number of columns; otherwise {@link #fit}
 * refuses the weight, and the policy of the configuration applies.
 *
 * <p>In FLOAT32 the error of a decoded value is slightly more than scale / 2 at most. In the two
 * types of 16 bits the codes have fewer digits than the type, so rounding adds little.
 *
 * <p>What this does not do: it does not pack codes; each takes a byte, and the output format packs
 * them.
 */
@AutoService(Scheme.class)
public final class Int4Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int4Scheme() {
    super(4, "group:128");
  }
}
