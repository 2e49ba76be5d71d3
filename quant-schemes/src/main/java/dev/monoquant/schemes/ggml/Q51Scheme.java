package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/q5-1}: unsigned codes of 5 bits with a scale and a minimum for each block of 32
 * columns, as in type Q5_1 of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols: {@code codes} UINT5 (rows,
 * cols), {@code scale} and {@code minimum} FLOAT16 (rows, cols / 32).
 *
 * <p><b>Formula</b>, with the least and the greatest value of a block:
 *
 * <pre>
 *   scale = (greatest - least) / 31
 *   minimum = -least
 *   code = min(31, trunc((x - least) * (1 / scale) + 0.5))
 *   decoded = code * float16(scale) - float16(minimum)
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, scale, minimum
 * and codes are searched for over 37 steps by least squares, with weights importance * sqrt(mean of
 * x^2 of the row + x^2).
 *
 * <p><b>Zero, NaN, infinity.</b> A block of equal values has the scale 0 and the codes 0. Values
 * must be finite: the framework handles others before. A block whose scale or decoded value exceeds
 * float16 is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q5_1_ref} and {@code
 * quantize_row_q5_1_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits, for every type of the weight widened to float32. Stateless, its workers immutable and
 * thread-safe.
 *
 * <p><b>What this does not do:</b> no other block size, no packing.
 */
@AutoService(Scheme.class)
public final class Q51Scheme extends BlockScheme {

  /** Makes the scheme; it has no state. */
  public Q51Scheme() {
    super("q5-1", ElementType.UINT5, Rule.RANGE);
  }
}
