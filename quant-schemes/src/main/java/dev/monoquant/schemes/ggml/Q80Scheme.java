package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;

/**
 * {@code ggml/q8-0}: signed codes of 8 bits with a scale for each block of 32 columns, as in type
 * Q8_0 of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 32 divides cols: {@code codes} INT8 (rows,
 * cols), {@code scale} FLOAT16 (rows, cols / 32).
 *
 * <p><b>Formula</b>, with m the largest magnitude of a block:
 *
 * <pre>
 *   scale = m / 127
 *   code = round(x * (1 / scale))            halves away from zero
 *   decoded = code * float16(scale)
 * </pre>
 *
 * <p><b>Zero, NaN, infinity.</b> A block of zeros has the scale 0 and the codes 0. Values must be
 * finite: the framework handles others before. A block whose scale or decoded value exceeds float16
 * is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q8_0_ref} of {@code ggml-quants.c}:
 * the same bits, for every type of the weight widened to float32. Stateless, its workers immutable
 * and thread-safe.
 *
 * <p><b>What this does not do:</b> no importance of columns, no search, no other block size, no
 * packing.
 */
@AutoService(Scheme.class)
public final class Q80Scheme extends BlockScheme {

  /** Makes the scheme; it has no state. */
  public Q80Scheme() {
    super("q8-0", ElementType.INT8, Rule.MAGNITUDE);
  }
}
