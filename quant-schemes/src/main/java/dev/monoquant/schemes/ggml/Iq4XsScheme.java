package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code ggml/iq4-xs}: codes of 4 bits that are indices of 16 levels, as in type IQ4_XS of GGUF
 * files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols): where 256 divides cols: {@code codes} UINT4 (rows,
 * cols), {@code super_scale} FLOAT16 (rows, cols / 256), {@code scale} INT6 (rows, cols / 32),
 * {@code table} FLOAT32 (16).
 *
 * <p><b>Formula</b>, in float32, sums from the first to the last value:
 *
 * <pre>
 *   for step = 127 / largest, then (k - 127) / largest for k = -7 .. 7:      largest by magnitude
 *     level = the nearest level to x * step, the upper one of two
 *     fit = (sum of x^3 level)^2 / sum of (x level)^2           the first greatest wins
 *     group scale = sum of x^3 level / sum of (x level)^2
 *   super_scale = largest group scale / -32             by magnitude, with its sign
 *   scale = clamp(round(group scale / super_scale), -32, 31)           ties to even
 *   code = the index of the nearest level to x * (1 / (super_scale * scale))
 *   decoded = float16(super_scale) * scale * level[code]
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, the weight of
 * a value is not x^2 but importance * sqrt(2 mean of x^2 of the block + x^2).
 *
 * <p><b>Zero, NaN, infinity.</b> A group whose magnitudes are below 1e-15 has the scale 0. Values
 * must be finite: the framework handles others before. A block whose scale or decoded value exceeds
 * float16 is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_iq4_xs} of {@code ggml-quants.c},
 * compiled without fused operations: the same bits. Stateless, its workers immutable and
 * thread-safe.
 *
 * <p><b>What this does not do:</b> no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Iq4XsScheme extends LevelScheme {

  private static final int BLOCK = 256;
  private static final int GROUPS = BLOCK / GROUP;
  private static final ElementType SCALES = ElementType.INT6;

  /** Makes the scheme; it has no state. */
  public Iq4XsScheme() {
    super("iq4-xs", BLOCK);
  }

  @Override
  Encoding encoding() {
    return new Encoding(
        List.of(
            codes(),
            Part.perGroup(SUPER, ElementType.FLOAT16, BLOCK),
            Part.perGroup(Part.SCALE, SCALES, GROUP),
            Levels.part()),
        new Formula.Lookup(
            Part.CODES,
            Levels.part().name(),
            List.of(Factor.times(SUPER), Factor.times(Part.SCALE))));
  }

  @Override
  Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    float[] x = tile.values();
    int count = tile.height() * tile.cols();
    byte[] codes = new byte[count];
    byte[] supers = new byte[count / BLOCK * Short.BYTES];
    byte[] scales = new byte[count / GROUP];
    float[] weights = new float[BLOCK];
    float[] groups = new float[GROUPS];
    for (int at = 0; at < count; at += BLOCK) {
      weigh(tile, at, importance, weights);
      for (int g = 0; g < GROUPS; g++) {
        groups[g] = search(x, at + g * GROUP, weights, g * GROUP);
      }
      float whole = largest(groups, 0, GROUPS) / SCALES.minCode();
      put(tile, supers, at / BLOCK, whole);
      float inverse = whole == 0 ? 0 : 1 / whole;
      for (int g = 0; g < GROUPS; g++) {
        int scale = clamp(nearest(inverse * groups[g]), SCALES.minCode(), SCALES.maxCode());
        scales[at / GROUP + g] = (byte) scale;
        choose(x, at + g * GROUP, whole * scale, codes);
      }
    }
    return Map.of(Part.CODES, codes, SUPER, supers, Part.SCALE, scales);
  }
}
