package dev.monoquant.schemes.ggml;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
 * <p><b>Source.</b> ggml at commit d99724f, {@code quantize_row_q6_K_ref} of {@code ggml-quants.c}:
 * the same bits. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no importance of columns, no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Q6KScheme implements Scheme {

  private static final String SUPER = "super_scale";
  private static final int BLOCK = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = BLOCK / GROUP;
  private static final int LARGEST = 32;
  private static final int TRIES = 9;
  private static final float STEP = 0.1f;
  private static final float NEGLIGIBLE = 1e-15f;

  private static final List<OptionSpec<?>> OPTIONS =
      List.of(
          CommonOptions.bits(6),
          CommonOptions.symmetric(true),
          CommonOptions.granularity("group:" + GROUP));

  /** Makes the scheme; it has no state. */
  public Q6KScheme() {}

  @Override
  public SchemeId id() {
    return new SchemeId("ggml/q6-k", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return OPTIONS;
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    return BlockScheme.unfit(weight, BLOCK)
        .orElseGet(
            () ->
                Fit.of(
                    new Encoding(
                        List.of(
                            Part.perElement(Part.CODES, ElementType.INT6),
                            Part.perGroup(SUPER, ElementType.FLOAT16, BLOCK),
                            Part.perGroup(Part.SCALE, ElementType.INT8, GROUP)),
                        new Formula.Affine(
                            Part.CODES,
                            List.of(Factor.times(SUPER), Factor.times(Part.SCALE)),
                            Optional.empty()))));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    return this::quantize;
  }

  private EncodedTile quantize(Tile tile) {
    int blocks = tile.height() * (tile.cols() / BLOCK);
    byte[] codes = new byte[blocks * BLOCK];
    byte[] supers = new byte[blocks * Short.BYTES];
    byte[] scales = new byte[blocks * GROUPS];
    float[] groups = new float[GROUPS];
    // Codes of groups without a scale are those that the search left, -32 at first.
    Arrays.fill(codes, (byte) -LARGEST);
    for (int block = 0; block < blocks; block++) {
      block(tile, block, codes, supers, scales, groups);
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, SUPER, supers, Part.SCALE, scales));
  }

  private void block(
      Tile tile, int block, byte[] codes, byte[] supers, byte[] scales, float[] groups) {
    float[] x = tile.values();
    float magnitude = 0;
    float largest = 0;
    for (int g = 0; g < GROUPS; g++) {
      groups[g] = search(x, block * BLOCK + g * GROUP, codes);
      if (Math.abs(groups[g]) > magnitude) {
        magnitude = Math.abs(groups[g]);
        largest = groups[g];
      }
    }
    if (magnitude < NEGLIGIBLE) {
      Arrays.fill(codes, block * BLOCK, (block + 1) * BLOCK, (byte) -LARGEST);
      return;
    }
    float inverse = Byte.MIN_VALUE / largest;
    float stored = BlockScheme.put(this, tile, supers, block, BLOCK, 1 / inverse);
    for (int g = 0; g < GROUPS; g++) {
      int scale = Math.min(Byte.MAX_VALUE, (int) Math.rint(inverse * groups[g]));
      scales[block * GROUPS + g] = (byte) scale;
      float d = stored * scale;
      if (d == 0) {
        continue;
      }
      int at = block * BLOCK + g * GROUP;
      for (int i = at; i < at + GROUP; i++) {
        codes[i] = (byte) clamp(x[i] / d);
        float decoded = d * codes[i];
        if (tile.sourceType() == ElementType.FLOAT16 && !Float.isFinite(Float16.round(decoded))) {
          throw BlockScheme.refusal(this, tile, block, BLOCK, "the value " + decoded);
        }
      }
    }
  }

  /**
   * Finds the scale of a group by least squares, weighted by the squares of the values.
   *
   * @param x the values
   * @param at the first of the group
   * @param codes receives the codes of the best try, at the same place
   * @return the scale; 0 if the group is negligible
   */
  private static float search(float[] x, int at, byte[] codes) {
    float magnitude = 0;
    float largest = 0;
    for (int i = at; i < at + GROUP; i++) {
      if (Math.abs(x[i]) > magnitude) {
        magnitude = Math.abs(x[i]);
        largest = x[i];
      }
    }
    if (magnitude < NEGLIGIBLE) {
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int n = 0; n <= 2 * TRIES; n++) {
      int k = n == 0 ? 0 : n <= TRIES ? n - TRIES - 1 : n - TRIES;
      float inverse = -(LARGEST + STEP * k) / largest;
      float product = 0;
      float square = 0;
      for (int i = at; i < at + GROUP; i++) {
        int code = clamp(inverse * x[i]);
        float weight = x[i] * x[i];
        product += weight * x[i] * code;
        square += weight * code * code;
      }
      if (n == 0 || (square > 0 && product * product > best * square)) {
        for (int i = at; i < at + GROUP; i++) {
          codes[i] = (byte) clamp(inverse * x[i]);
        }
        scale = square == 0 ? 0 : product / square;
        best = scale * product;
      }
    }
    return scale;
  }

  private static int clamp(float x) {
    return Math.max(-LARGEST, Math.min(LARGEST - 1, (int) Math.rint(x)));
  }
}
