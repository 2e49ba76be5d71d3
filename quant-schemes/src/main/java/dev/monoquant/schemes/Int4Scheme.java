package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int4}: signed integer codes of 4 bits, by default symmetric with a scale for each group of
 * 128 columns.
 *
 * <p>The arithmetic is that of {@link Int8Scheme} to the letter, with codes from -8 to 7 and N =
 * 15: parts, formula, precision, zeros, errors, source and both ways to compute are described
 * there. The parts {@code codes} and {@code zero_point} are of type INT4. A symmetric scale is the
 * greatest magnitude divided by 7.5.
 *
 * <p>With so few levels a step is a large part of a row's range, so a scale should serve few
 * numbers: hence groups. A group must divide the columns; a weight whose columns it does not divide
 * is refused by {@link #fit}, and what happens then is up to the policy of the configuration.
 *
 * <p>In FLOAT32 a decoded number is off by at most scale / 2 and a little. In the two types of 16
 * bits the codes have fewer digits than the type, so their roundings add little to that.
 *
 * <p>What this does not do: codes take a byte each here; packing them is up to the output format.
 */
@AutoService(Scheme.class)
public final class Int4Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int4Scheme() {
    super(4, "group:128");
  }
}
