package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code mxfp4}: codes of 4 bits in E2M1, in groups of 32 with a power of two as their scale.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols:
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>FLOAT4, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>FLOAT8_E8M0, (rows, cols / 32): byte b is 2^(b - 127)</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, with e the exponent of the largest magnitude of a group, and one more where
 * its significand is 1.75 or above; 2 is the exponent of the largest code, 6:
 *
 * <pre>
 *   scale = 2^(e - 2)                    at least 2^-127
 *   code = e2m1(clamp(x / scale, -6, 6))
 *   decoded = code * scale
 * </pre>
 *
 * <p>So the largest magnitude is from 3.5 to 7 scales, and becomes 6 from 6 on.
 *
 * <p><b>Precision.</b> The quotient is rounded to the weight's type, which changes nothing but what
 * is below its range; to E2M1 to nearest, ties to the even code: 0.25 becomes 0, 0.75 becomes 1, 5
 * becomes 4. FLOAT64 is computed in float32.
 *
 * <p><b>Zero, NaN, infinity.</b> A negative value that is rounded to zero has code 8, -0; a zero of
 * either sign has code 0. A group of zeros, or of magnitudes below the normal range of the type,
 * has the scale 2^-127; in FLOAT16, which has no such number, and wherever it has not the scale, 1.
 * Values must be finite: the framework handles others before. A group from 1.75 times the largest
 * power of two of the type on, whose scale would be infinite, and a code that would decode to
 * infinity are refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Error.</b> One scale, half the distance of the largest two codes, and the rounding of the
 * product to the type of the weight: at most 2/7 of the largest magnitude of a group. Every run is
 * checked against the bound.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, the only one: compressed-tensors at
 * commit ac8e2ba, {@code quantization/utils/mxfp_utils.py} and {@code fp4_utils.py}: the preset
 * MXFP4A16 has these bits. The format: OCP Microscaling Formats 1.0, whose own rule takes the
 * exponent as it is.
 *
 * <p><b>Search.</b> With {@code search=grid}, half the scale is tried too, and taken where the sum
 * of squared errors of the group is less: the largest values are then clamped. The bound is 8
 * scales. It wins 0.05 dB on the linear layers of a trained BERT-like model.
 *
 * <p>With a calibration, each squared error counts as much as the mean square of the inputs of its
 * column. With {@code method=gptq}, columns make up for each other's errors ({@code act-order} and
 * {@code damping} are options then), and no bound is declared.
 *
 * <p><b>Compute.</b> Always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no activations, no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Mxfp4Scheme extends MxScheme {

  /** Makes the scheme; it has no state. */
  public Mxfp4Scheme() {
    super("mxfp4", FloatCode.E2M1, GRID);
  }
}
