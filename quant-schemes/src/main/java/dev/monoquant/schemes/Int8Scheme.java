package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.Scheme;

/**
 * {@code int8}: signed integer codes of 8 bits, by default symmetric with a scale for each row.
 *
 * <p><b>Parts</b> for a weight of (rows, cols):
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>INT8, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>of the weight's own type (FLOAT32 for FLOAT64): (1) per tensor, (rows,
 * 1) per channel, (rows, cols / n) per group of n, which must divide cols</td></tr>
 * <tr><td>{@code zero_point}</td><td>INT8, shaped as the scale; only if asymmetric</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, with codes from qmin = -128 to qmax = 127, N = qmax - qmin = 255 and [a, b]
 * the range of the values of a block, extended to include 0:
 *
 * <pre>
 *   symmetric    scale = max(-a, b) / (N / 2)         level = x / scale
 *   asymmetric   scale = (b - a) / N                  level = x / scale + zero_point
 *                zero_point = rint(clamp(qmin - a / scale))
 *   code = rint(clamp(level))                         decoded = (code - zero_point) * scale
 * </pre>
 *
 * <p>{@code clamp} is to [qmin, qmax] and {@code rint} goes to the nearest integer, ties to even,
 * in that order. Division is by 127.5 and not by 127: both ends of the codes are used, and a value
 * of the largest magnitude is half a step beyond code 127.
 *
 * <p><b>Precision.</b> Every operation is done in the weight's type: for FLOAT16 and BFLOAT16 in
 * float32 and then rounded to the type, ties to even, as torch does on a CPU. FLOAT64 is computed
 * in float32.
 *
 * <p><b>Zero, NaN, infinity.</b> A scale of 0, for a block of zeros or of values near the smallest
 * subnormal, becomes the epsilon of its type (2^-23, 2^-10 or 2^-7) after the zero point was
 * computed; the zero point of a block of zeros, 0/0, is 0. Values must be finite: the framework
 * handles others before. A range without a finite scale (asymmetric, with b - a beyond the type) is
 * refused with a {@link dev.monoquant.ValidationException}, and so is a code that would decode to
 * infinity (a scale that was rounded down at the very end of the type's range), where
 * compressed-tensors continues silently.
 *
 * <p><b>Error.</b> With h(m) the half step of the type at a magnitude m, the error of a symmetric
 * decoded value is at most scale * max(1/2 + N/2 * h(scale)/scale, 1/2 + h(128)) + h(128 * scale):
 * for FLOAT32 slightly more than scale / 2; for BFLOAT16, whose 8 digits are no more than those of
 * the codes, up to 1.4 scales, and more if asymmetric. The full derivation is in the class that
 * computes it; every run is checked against it.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, the only one: compressed-tensors at
 * commit ac8e2ba, {@code quantization/utils/helpers.py} ({@code calculate_qparams}) and {@code
 * quantization/lifecycle/forward_helpers.py} ({@code _quantize}, {@code _dequantize}), with ranges
 * as its observers compute them: codes, scales, zero points and decoded values have the same bits,
 * for all granularities and types. For asymmetric FLOAT32, torchao and ONNX Runtime give the same
 * codes; for symmetric codes torchao multiplies by 1/scale, which differs in about one code of
 * 5,000.
 *
 * <p><b>Compute.</b> Java loops and, with {@link dev.monoquant.spi.Compute#TORCH}, tensor
 * operations give the same bits; the loops are faster, and {@code AUTO} uses them. Decoding is
 * always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no search for better ranges, no calibration data, no
 * activations, no reordering of columns, no packing; no other division, such as by 127.
 */
@AutoService(Scheme.class)
public final class Int8Scheme extends IntegerScheme {

  /** Makes the scheme; it has no state. */
  public Int8Scheme() {
    super(8, "channel");
  }
}
