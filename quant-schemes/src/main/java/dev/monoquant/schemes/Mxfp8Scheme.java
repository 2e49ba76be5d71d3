package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code mxfp8}: codes of 8 bits in E4M3 (fn), in groups of 32 with a power of two as their scale.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols:
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>FLOAT8_E4M3, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>FLOAT8_E8M0, (rows, cols / 32): byte b is 2^(b - 127)</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, with e the exponent of the largest magnitude of a group, and one more where
 * its significand is 1.75 or above; 8 is the exponent of the largest code, 448:
 *
 * <pre>
 *   scale = 2^(e - 8)                    at least 2^-127
 *   code = e4m3(clamp(x / scale, -448, 448))
 *   decoded = code * scale
 * </pre>
 *
 * <p>So the largest magnitude is from 224 to 448 scales, and nothing is clamped.
 *
 * <p><b>Precision.</b> The quotient is rounded to the weight's type, which changes nothing but what
 * is below its range; to E4M3 to nearest, ties to even. FLOAT64 is computed in float32.
 *
 * <p><b>Zero, NaN, infinity.</b> A zero keeps its sign, and so does what is rounded to zero; no
 * code is NaN. A group of zeros, or of magnitudes below the normal range of the type, has the scale
 * 2^-127; in FLOAT16, which has no such number, and wherever it has not the scale, 1. Values must
 * be finite: the framework handles others before. A group from 1.75 times the largest power of two
 * of the type on, whose scale would be infinite, is refused with a {@link
 * dev.monoquant.ValidationException}.
 *
 * <p><b>Error.</b> 16 scales, half the distance of the largest two codes, and the rounding of the
 * product to the type of the weight: at most 1/14 of the largest magnitude of a group. Every run is
 * checked against the bound.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, the only one: compressed-tensors at
 * commit ac8e2ba, {@code quantization/utils/mxfp_utils.py}: the preset MXFP8A16 has these bits. The
 * format: OCP Microscaling Formats 1.0, whose own rule takes the exponent as it is.
 *
 * <p><b>Compute.</b> Always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no calibration data, no activations, no other group size.
 */
@AutoService(Scheme.class)
public final class Mxfp8Scheme extends MxScheme {

  /** Makes the scheme; it has no state. */
  public Mxfp8Scheme() {
    super("mxfp8", FloatCode.E4M3);
  }
}
