package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/q5-0}: signed codes of 5 bits with a scale for each block of 32 columns, as in type
 * Q5_0 of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols: {@code codes} INT5 (rows,
 * cols), {@code scale} FLOAT16 (rows, cols / 32).
 *
 * <p><b>Formula</b>, with m the first value of the largest magnitude of a block:
 *
 * <pre>
 *   scale = m / -16                       its sign may be negative
 *   code = min(15, trunc(x * (1 / scale) + 16.5) - 16)
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
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q5_0_ref} and {@code
 * quantize_row_q5_0_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits, for every type of the weight widened to float32. Stateless, its workers immutable and
 * thread-safe.
 *
 * <p><b>What this does not do:</b> no other block size, no packing.
 */
@AutoService(Scheme.class)
public final class Q50Scheme extends BlockScheme {

  /** Makes the scheme; it has no state. */
  public Q50Scheme() {
    super("q5-0", ElementType.INT5, Rule.LEAST_CODE);
  }
}
