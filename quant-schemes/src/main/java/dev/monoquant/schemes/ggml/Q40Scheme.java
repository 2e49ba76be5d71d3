package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/q4-0}: signed codes of 4 bits with a scale for each block of 32 columns, as in type
 * Q4_0 of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols: {@code codes} INT4 (rows,
 * cols), {@code scale} FLOAT16 (rows, cols / 32).
 *
 * <p><b>Formula</b>, with m the first value of the largest magnitude of a block:
 *
 * <pre>
 *   scale = m / -8                       its sign may be negative
 *   code = min(7, trunc(x * (1 / scale) + 8.5) - 8)
 *   decoded = code * float16(scale)
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, scale and
 * codes are searched for over 19 steps near the one above, with weights importance * sqrt(mean of
 * x^2 of the row + x^2); a block whose magnitudes are below 1e-15 then has the least code.
 *
 * <p><b>Zero, NaN, infinity.</b> A block of zeros has the scale 0 and the codes 0. Values must be
 * finite: the framework handles others before. A block whose scale or decoded value exceeds float16
 * is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q4_0_ref} and {@code
 * quantize_row_q4_0_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits, for every type of the weight widened to float32. Stateless, its workers immutable and
 * thread-safe.
 *
 * <p><b>What this does not do:</b> no other block size, no packing.
 */
@AutoService(Scheme.class)
public final class Q40Scheme extends BlockScheme {

  /** Makes the scheme; it has no state. */
  public Q40Scheme() {
    super("q4-0", ElementType.INT4, Rule.LEAST_CODE);
  }
}
