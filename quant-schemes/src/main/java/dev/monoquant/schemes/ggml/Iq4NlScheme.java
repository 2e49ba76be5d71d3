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
 * {@code ggml/iq4-nl}: codes of 4 bits that are indices of 16 levels, as in type IQ4_NL of GGUF
 * files.
 *
 * <p><b>Parts</b> for a weight of (rows, cols): where 32 divides cols: {@code codes} UINT4 (rows,
 * cols), {@code scale} FLOAT16 (rows, cols / 32), {@code table} FLOAT32 (16).
 *
 * <p><b>Formula</b>, in float32, sums from the first to the last value:
 *
 * <pre>
 *   for step = 127 / largest, then (k - 127) / largest for k = -7 .. 7:      largest by magnitude
 *     level = the nearest level to x * step, the upper one of two
 *     fit = (sum of x^3 level)^2 / sum of (x level)^2           the first greatest wins
 *     group scale = sum of x^3 level / sum of (x level)^2
 *   scale = group scale
 *   code = the index of the nearest level to x * (1 / scale)
 *   decoded = float16(scale) * level[code]
 * </pre>
 *
 * <p>With a calibration, whose mean squares of inputs are the importance of columns, the weight of
 * a value is not x^2 but importance * sqrt(2 mean of x^2 of the block + x^2).
 *
 * <p><b>Zero, NaN, infinity.</b> A group whose magnitudes are below 1e-15 has the scale 0. Values
 * must be finite: the framework handles others before. A block whose scale or decoded value exceeds
 * float16 is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_iq4_nl} of {@code ggml-quants.c},
 * compiled without fused operations: the same bits. Stateless, its workers immutable and
 * thread-safe.
 *
 * <p><b>What this does not do:</b> no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Iq4NlScheme extends LevelScheme {

  /** Makes the scheme; it has no state. */
  public Iq4NlScheme() {
    super("iq4-nl", GROUP);
  }

  @Override
  Encoding encoding() {
    return new Encoding(
        List.of(codes(), Part.perGroup(Part.SCALE, ElementType.FLOAT16, GROUP), Levels.part()),
        new Formula.Lookup(Part.CODES, Levels.part().name(), List.of(Factor.times(Part.SCALE))));
  }

  @Override
  Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    float[] x = tile.values();
    int count = tile.height() * tile.cols();
    byte[] codes = new byte[count];
    byte[] scales = new byte[count / GROUP * Short.BYTES];
    float[] weights = new float[GROUP];
    for (int at = 0; at < count; at += GROUP) {
      weigh(tile, at, importance, weights);
      float scale = search(x, at, weights, 0);
      put(tile, scales, at / GROUP, scale);
      choose(x, at, scale, codes);
    }
    return Map.of(Part.CODES, codes, Part.SCALE, scales);
  }
}
