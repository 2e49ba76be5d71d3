package dev.monoquant.schemes.ggml;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Signed codes in groups of 16 columns with a signed scale of a few bits, and a float16 scale of
 * these for each block of 256 columns: {@code decoded = super_scale * scale * code}.
 */
abstract class SignedScheme extends GgmlScheme {

  private static final int BLOCK = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = BLOCK / GROUP;

  private final ElementType codes;
  private final ElementType scales;

  /**
   * @param name the name, such as {@code q6-k}
   * @param codes the type of the codes
   * @param scales the type of the scales
   */
  SignedScheme(String name, ElementType codes, ElementType scales) {
    super(name, codes.bits(), true, GROUP, BLOCK, true);
    this.codes = codes;
    this.scales = scales;
  }

  @Override
  final Encoding encoding() {
    return new Encoding(
        List.of(
            codes(codes),
            Part.perGroup(SUPER, ElementType.FLOAT16, BLOCK),
            Part.perGroup(Part.SCALE, scales, GROUP)),
        new Formula.Affine(
            Part.CODES, List.of(Factor.times(SUPER), Factor.times(Part.SCALE)), Optional.empty()));
  }

  /**
   * Finds the scales of a block and its codes.
   *
   * @param x the values
   * @param at the first value of the block
   * @param importance the importance of each column; null if all are equal
   * @param column the column of the first value
   * @param found receives the codes, at the places of the values, and the scales
   */
  abstract void search(float[] x, int at, float @Nullable [] importance, int column, Found found);

  /** What was found for a block. */
  static final class Found {
    /** The codes of the tile. */
    final byte[] codes;

    /** The scale of each group. */
    final float[] groups = new float[GROUPS];

    /** Scratch for weights. */
    final float[] weights = new float[BLOCK];

    /** The scales of a few bits. */
    final byte[] scales = new byte[GROUPS];

    /** The scale of these scales. */
    float whole;

    Found(int count) {
      this.codes = new byte[count];
    }
  }

  /**
   * Makes scales of a few bits from those of the groups; the one of the largest magnitude becomes
   * the least one.
   *
   * @param found its groups are read, its scales set
   * @param negligible below this magnitude, the scale of scales is 0
   * @param none the scales then
   * @return whether the scale of scales is not 0
   */
  final boolean fit(Found found, float negligible, int none) {
    float largest = largest(found.groups, 0, GROUPS);
    Arrays.fill(found.scales, (byte) none);
    found.whole = 0;
    boolean any = largest != 0 && !(Math.abs(largest) < negligible);
    if (any) {
      float inverse = scales.minCode() / largest;
      found.whole = 1 / inverse;
      for (int g = 0; g < GROUPS; g++) {
        int scale = nearest(inverse * found.groups[g]);
        found.scales[g] = (byte) clamp(scale, scales.minCode(), scales.maxCode());
      }
    }
    return any;
  }

  @Override
  final Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    float[] x = tile.values();
    int count = tile.height() * tile.cols();
    Found found = new Found(count);
    byte[] supers = new byte[count / BLOCK * Short.BYTES];
    byte[] cells = new byte[count / GROUP];
    for (int at = 0; at < count; at += BLOCK) {
      search(x, at, importance, at % tile.cols(), found);
      float stored = put(tile, supers, at / BLOCK, found.whole);
      System.arraycopy(found.scales, 0, cells, at / GROUP, GROUPS);
      for (int g = 0; g < GROUPS; g++) {
        float step = stored * found.scales[g];
        if (step != 0) {
          int from = at + g * GROUP;
          for (int i = from; i < from + GROUP; i++) {
            int code = nearest(x[i] / step);
            found.codes[i] = (byte) clamp(code, codes.minCode(), codes.maxCode());
          }
        }
      }
    }
    return Map.of(Part.CODES, found.codes, SUPER, supers, Part.SCALE, cells);
  }
}
