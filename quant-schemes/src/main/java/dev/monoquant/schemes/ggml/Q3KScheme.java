package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;
import org.jspecify.annotations.Nullable;

/**
 * {@code ggml/q3-k}: signed codes of 3 bits in groups of 16 columns with signed scales of 6 bits,
 * and a float16 scale of these scales for each block of 256 columns, as in type Q3_K of GGUF files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 256 divides cols: {@code codes} INT3 (rows,
 * cols), {@code super_scale} FLOAT16 (rows, cols / 256), {@code scale} INT6 (rows, cols / 16).
 *
 * <p><b>Formula</b>, in float32, sums from the first to the last value:
 *
 * <pre>
 *   code = clamp(round(x * -4 / first value of the largest magnitude of the group), -4, 3)
 *   then, up to 5 times, each code is changed alone if that raises
 *     (sum of x^3 code)^2 / sum of (x code)^2
 *   group scale = sum of x^3 code / sum of (x code)^2
 *   super_scale = largest group scale / -32             by magnitude, with its sign
 *   scale = clamp(round(group scale / super_scale), -32, 31)
 *   code = clamp(round(x / (float16(super_scale) * scale)), -4, 3)
 *   decoded = float16(super_scale) * scale * code
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, weights are
 * importance * sqrt(2 mean of x^2 of the block + x^2); scales of groups and of the block are
 * searched for over 19 steps.
 *
 * <p><b>Rounding</b> is to nearest, ties to even. <b>Zero, NaN, infinity.</b> A group whose
 * magnitudes are below 1e-15 has the scale 0 and the codes -4, as in ggml; a block of such groups
 * has the scales -32 and super_scale 0. Values must be finite: the framework handles others before.
 * A block whose scale or decoded value exceeds float16 is refused with a {@link
 * dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q3_K_ref} and {@code
 * quantize_row_q3_K_impl} of {@code ggml-quants.c}, compiled without fused operations: the same
 * bits. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Q3KScheme extends SignedScheme {

  private static final int LEAST = 4;
  private static final int LEAST_SCALE = 32;

  /** Makes the scheme; it has no state. */
  public Q3KScheme() {
    super("q3-k", ElementType.INT3, ElementType.INT6);
  }

  @Override
  void search(float[] x, int at, int blocks, float @Nullable [] importance, Found found) {
    int groups = blocks * BLOCK / GROUP;
    if (importance == null) {
      for (int g = 0; g < groups; g++) {
        found.chunk[g] = ScaleSearch.refined(x, at + g * GROUP, GROUP, LEAST, found.codes);
      }
      return;
    }
    for (int i = 0; i < blocks; i++) {
      int block = at + i * BLOCK;
      float variance = 2 * squares(x, block, BLOCK) / BLOCK;
      int column = block % found.columns;
      weigh(x, block, BLOCK, importance, column, variance, found.weights, i * BLOCK);
    }
    found.search.groups(x, at, found.weights, groups, found.codes, found.chunk);
  }

  @Override
  void scales(int at, int weights, boolean weighted, Found found) {
    if (!weighted) {
      fit(found, 0, -LEAST_SCALE);
      return;
    }
    int groups = found.groups.length;
    float[] sums = new float[groups];
    for (int i = 0; i < BLOCK; i++) {
      sums[i / GROUP] += found.weights[weights + i];
    }
    found.whole = ScaleSearch.signed(found.groups, 0, groups, LEAST_SCALE, sums, 0, found.scales);
  }
}
