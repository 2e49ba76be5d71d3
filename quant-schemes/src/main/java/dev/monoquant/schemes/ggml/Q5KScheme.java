package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/q5-k}: unsigned codes of 5 bits in groups of 32 columns with scales and minimums of 6
 * bits, and float16 scales of these for each block of 256 columns, as in type Q5_K of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 256 divides cols: {@code codes} UINT5 (rows,
 * cols), {@code super_scale} and {@code super_minimum} FLOAT16 (rows, cols / 256), {@code scale}
 * and {@code minimum} UINT6 (rows, cols / 32).
 *
 * <p><b>Formula</b>, in float32, sums from the first to the last value:
 *
 * <pre>
 *   weight = sqrt(mean of x^2 of the group) + |x|
 *   group scale, group minimum = as in RangeSearch, 16 steps from -0.5 on by 0.1
 *   super_scale = greatest group scale / 63
 *   scale = round(63 / greatest group scale * group scale)        minimums likewise
 *   code = clamp(round((x + m) / d), 0, 31)
 *     with d = float16(super_scale) * scale, m = float16(super_minimum) * minimum
 *   decoded = d * code - m
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, weights are
 * importance * sqrt(2 mean of x^2 of the block + x^2), the search has 37 steps from -0.9 on by 0.05
 * and takes squares, and the scales of the block are searched for too, by the sums of the weights
 * of groups.
 *
 * <p><b>Rounding</b> is to nearest, ties to even. <b>Zero, NaN, infinity.</b> A group of zeros has
 * the scale 0 and the codes 0. Values must be finite: the framework handles others before. A block
 * whose scale, minimum or decoded value exceeds float16 is refused with a {@link
 * dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q5_K_ref} and {@code
 * quantize_row_q5_K_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Q5KScheme extends MinimumScheme {

  /** Makes the scheme; it has no state. */
  public Q5KScheme() {
    super("q5-k", ElementType.UINT5, ElementType.UINT6, 32, new Search(-0.5f, 15, false));
  }
}
