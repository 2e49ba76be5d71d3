package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code fp8-e5m2}: codes of 8 bits in E5M2, by default with a scale for each row: fewer digits
 * than {@link Fp8Scheme}, and a range of 2^32 below the largest magnitude instead of 2^18.
 *
 * <p>Parts, formula, precision, search and refusals are those of {@link Fp8Scheme} with E5M2 for
 * E4M3 and 57344 for 448; no code is NaN or infinite:
 *
 * <pre>
 *   scale = m / 57344                     0 becomes the epsilon of the type: 2^-23, 2^-10 or 2^-7
 *   code = e5m2(clamp(x / scale, -57344, 57344))
 *   decoded = code * scale
 * </pre>
 *
 * <p><b>Error.</b> Half the distance of the largest two codes, 4096 scales, and the roundings to
 * the type of the weight: relative to the value that is 1/8 of it, down to 2^-14 scales. Every run
 * is checked against the bound.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, whose formula for E4M3 this is; no
 * preset of it has E5M2 for weights. The format: OCP 8-bit Floating Point Specification 1.0.
 *
 * <p>Always computed in Java. Stateless, its workers immutable and thread-safe. What this does not
 * do: no activations, no codes without scales (which a cast would be).
 */
@AutoService(Scheme.class)
public final class Fp8E5m2Scheme extends ScaledFp8 {

  /** Makes the scheme; it has no state. */
  public Fp8E5m2Scheme() {
    super("fp8-e5m2", FloatCode.E5M2);
  }
}
