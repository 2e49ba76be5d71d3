package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@code ggml/q6-k}: signed codes of 6 bits in groups of 16 columns with 8-bit scales, and a
 * float16 scale of these scales for each block of 256 columns, as in type Q6_K of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 256 divides cols: {@code codes} INT6 (rows,
 * cols), {@code super_scale} FLOAT16 (rows, cols / 256), {@code scale} INT8 (rows, cols / 16).
 *
 * <p><b>Formula</b>, with m the first value of the largest magnitude of a group, in float32:
 *
 * <pre>
 *   for k = 0, -9 .. -1, 1 .. 9:
 *     code = clamp(round(x * -(32 + 0.1 k) / m), -32, 31)
 *     fit = (sum of x^3 code)^2 / sum of (x code)^2     the first greatest wins
 *     group scale = sum of x^3 code / sum of (x code)^2
 *   super_scale = largest group scale / -128            by magnitude, with its sign
 *   scale = min(127, round(group scale / super_scale))
 *   code = clamp(round(x / (float16(super_scale) * scale)), -32, 31)
 *   decoded = float16(super_scale) * scale * code
 * </pre>
 *
 * <p><b>Rounding</b> is to nearest, ties to even. <b>Zero, NaN, infinity.</b> A group whose
 * magnitudes are below 1e-15 has the scale 0 and the codes -32, as in ggml. Values must be finite:
 * the framework handles others before. A block whose scale or decoded value exceeds float16 is
 * refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p>With a calibration, the mean square of the inputs of a column is its importance and stands for
 * x^2 in both sums: {@code importance * x * code} and {@code importance * code * code}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q6_K_ref} and {@code
 * quantize_row_q6_K_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Q6KScheme extends SignedScheme {

  private static final int LEAST = 32;

  /** Makes the scheme; it has no state. */
  public Q6KScheme() {
    super("q6-k", ElementType.INT6, ElementType.INT8);
  }

  @Override
  void search(float[] x, int at, int blocks, float @Nullable [] importance, Found found) {
    for (int i = 0; i < blocks * BLOCK; i++) {
      float value = x[at + i];
      found.weights[i] = importance == null ? value * value : importance[(at + i) % found.columns];
    }
    found.search.groups(x, at, found.weights, blocks * BLOCK / GROUP, found.codes, found.chunk);
  }

  @Override
  void scales(int at, int weights, boolean weighted, Found found) {
    if (!fit(found, NEGLIGIBLE, 0)) {
      Arrays.fill(found.codes, at, at + BLOCK, (byte) -LEAST);
    }
  }
}
