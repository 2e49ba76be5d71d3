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

  /** Columns of a block. */
  static final int BLOCK = 256;

  /** Columns of a group. */
  static final int GROUP = 16;

  private static final int GROUPS = BLOCK / GROUP;

  /** Blocks whose groups are searched side by side. */
  private static final int CHUNK = 16;

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
   * Finds the scales of the groups of some blocks, and their codes.
   *
   * @param x the values
   * @param at the first value of the blocks
   * @param blocks how many
   * @param importance the importance of each column; null if all are equal
   * @param found receives the codes, at the places of the values, the weights and {@link
   *     Found#chunk}
   */
  abstract void search(float[] x, int at, int blocks, float @Nullable [] importance, Found found);

  /**
   * Makes scales of a few bits from those of the groups of a block.
   *
   * @param at the first value of the block
   * @param weights the first of the weights of the block
   * @param weighted whether columns have an importance
   * @param found its groups are read, its scales and the scale of these are set
   */
  abstract void scales(int at, int weights, boolean weighted, Found found);

  /** What was found for a block, and for the blocks that are searched with it. */
  static final class Found {
    /** The codes of the tile. */
    final byte[] codes;

    /** The columns of the tile. */
    final int columns;

    /** The search for the scales of groups. */
    final SignedSearch search;

    /** The scales of the groups of some blocks. */
    final float[] chunk = new float[CHUNK * GROUPS];

    /** The weights of the values of some blocks. */
    final float[] weights = new float[CHUNK * BLOCK];

    /** The scale of each group. */
    final float[] groups = new float[GROUPS];

    /** The scales of a few bits. */
    final byte[] scales = new byte[GROUPS];

    /** The scale of these scales. */
    float whole;

    Found(Tile tile, int most) {
      this.codes = new byte[tile.height() * tile.cols()];
      this.columns = tile.cols();
      this.search = new SignedSearch(GROUP, most);
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
    Found found = new Found(tile, -codes.minCode());
    int blocks = found.codes.length / BLOCK;
    byte[] supers = new byte[blocks * Short.BYTES];
    byte[] cells = new byte[blocks * GROUPS];
    for (int first = 0; first < blocks; first += CHUNK) {
      int some = Math.min(CHUNK, blocks - first);
      search(x, first * BLOCK, some, importance, found);
      for (int i = 0; i < some; i++) {
        int block = first + i;
        System.arraycopy(found.chunk, i * GROUPS, found.groups, 0, GROUPS);
        scales(block * BLOCK, i * BLOCK, importance != null, found);
        float stored = put(tile, supers, block, found.whole);
        System.arraycopy(found.scales, 0, cells, block * GROUPS, GROUPS);
        choose(x, block * BLOCK, stored, found);
      }
    }
    return Map.of(Part.CODES, found.codes, SUPER, supers, Part.SCALE, cells);
  }

  /** Chooses the codes of a block where a scale is not 0. */
  private void choose(float[] x, int at, float stored, Found found) {
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
}
