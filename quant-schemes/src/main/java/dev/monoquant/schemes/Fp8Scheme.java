package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code fp8}: codes of 8 bits in E4M3 (fn), by default with a scale for each row.
 *
 * <p><b>Parts</b> for a weight of (rows, cols):
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>FLOAT8_E4M3, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>of the weight's own type (FLOAT32 for FLOAT64): (1) per tensor,
 * (rows, 1) per channel, (ceil(rows / r), ceil(cols / c)) per block of r x c</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, with m the largest magnitude of a block and 448 the largest code:
 *
 * <pre>
 *   scale = m / 448                       0 becomes the epsilon of the type: 2^-23, 2^-10 or 2^-7
 *   code = e4m3(clamp(x / scale, -448, 448))
 *   decoded = code * scale
 * </pre>
 *
 * <p>A block at the end of a row or column that is not a multiple holds what is there.
 *
 * <p><b>Precision.</b> Every operation is done in the weight's type: for FLOAT16 and BFLOAT16 in
 * float32 and then rounded to the type, ties to even, as torch does on a CPU. So {@code x / scale}
 * is rounded twice: to the type, and to E4M3, also to nearest, ties to even. FLOAT64 is computed in
 * float32.
 *
 * <p><b>Zero, NaN, infinity.</b> A zero keeps its sign, and so does what is rounded to zero: below
 * 2^-10 scales in magnitude, 0x80 is -0. No code is NaN. Values must be finite: the framework
 * handles others before. A code that would decode to infinity (a scale that was rounded up at the
 * very end of the type's range) is refused with a {@link dev.monoquant.ValidationException}, where
 * compressed-tensors continues silently.
 *
 * <p><b>Error.</b> Half the distance of the largest two codes, 16 scales, and the roundings to the
 * type of the weight: relative to the value that is 1/16 of it, down to 2^-6 scales. Every run is
 * checked against the bound.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, the only one: compressed-tensors at
 * commit ac8e2ba, {@code quantization/utils/helpers.py} ({@code calculate_qparams}) and {@code
 * quantization/lifecycle/forward_helpers.py}: the presets FP8, FP8_DYNAMIC and FP8_BLOCK have these
 * bits. The format: OCP 8-bit Floating Point Specification 1.0.
 *
 * <p><b>Search.</b> With {@code search=grid}, 31 larger scales are tried, in equal ratios up to
 * twice the scale, and the one with the least sum of squared errors is taken; the first of equal
 * ones. None clamps a value. It wins 0.7 dB per channel on the linear layers of a trained BERT-like
 * model, and takes about 30 times the work. Not per tensor, whose values are never seen at once.
 *
 * <p><b>Compute.</b> Always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no activations, no scales of a type of their own.
 */
@AutoService(Scheme.class)
public final class Fp8Scheme extends ScaledFp8 {

  /** Makes the scheme; it has no state. */
  public Fp8Scheme() {
    super("fp8", FloatCode.E4M3);
  }
}
