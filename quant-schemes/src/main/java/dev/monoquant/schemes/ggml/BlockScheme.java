package dev.monoquant.schemes.ggml;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
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
 * Codes with a float16 scale for each block of 32 columns, and perhaps a float16 minimum. Codes are
 * computed with the scale before it is rounded to float16, as in ggml. With importance, scales and
 * codes are searched for.
 */
abstract class BlockScheme extends GgmlScheme {

  private static final int BLOCK = 32;

  /** Blocks whose values fit in the L1 cache. */
  private static final int CHUNK = 64;

  /** The last digit of sums with it is worth 1. */
  private static final float MAGIC = 0x1.8p23f;

  /** The greatest float below 1/2. */
  private static final float BELOW_HALF = 0x1.fffffep-2f;

  /** How the codes of a block follow from its values. */
  enum Rule {
    /** The value of the largest magnitude has the least code; the nearest, halves up. */
    LEAST_CODE,
    /** The largest magnitude has the greatest code; the nearest, halves away from zero. */
    MAGNITUDE,
    /** The least value has the code 0, the greatest value the greatest; the nearest, halves up. */
    RANGE
  }

  private final ElementType codes;
  private final Rule rule;
  private final boolean minimums;

  /**
   * @param name the name, such as {@code q8-0}
   * @param codes the type of the codes
   * @param rule how the codes follow; with {@code RANGE}, blocks have a minimum
   */
  BlockScheme(String name, ElementType codes, Rule rule) {
    super(name, codes.bits(), rule != Rule.RANGE, BLOCK, BLOCK, rule != Rule.MAGNITUDE);
    this.codes = codes;
    this.rule = rule;
    this.minimums = rule == Rule.RANGE;
  }

  @Override
  final Encoding encoding() {
    Part code = codes(codes);
    Part scale = Part.perGroup(Part.SCALE, ElementType.FLOAT16, BLOCK);
    if (!minimums) {
      return Encoding.affine(code, scale);
    }
    Part minimum = Part.perGroup(MINIMUM, ElementType.FLOAT16, BLOCK);
    Formula.Affine formula =
        new Formula.Affine(Part.CODES, List.of(Factor.times(Part.SCALE)), Optional.empty());
    return new Encoding(
        List.of(code, scale, minimum),
        formula.withMinimums(List.of(Factor.times(MINIMUM)), ElementType.FLOAT32));
  }

  /** The parts of a tile; minimums are empty if there are none. */
  private static final class Cells {
    final byte[] codes;
    final byte[] scales;
    final byte[] minimums;

    Cells(int blocks, boolean minimums) {
      this.codes = new byte[blocks * BLOCK];
      this.scales = new byte[blocks * Short.BYTES];
      this.minimums = new byte[minimums ? blocks * Short.BYTES : 0];
    }
  }

  @Override
  final Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    int blocks = tile.height() * (tile.cols() / BLOCK);
    Cells cells = new Cells(blocks, minimums);
    if (importance != null) {
      search(tile, importance, cells);
    } else if (minimums) {
      ranges(tile, blocks, cells);
    } else {
      symmetric(tile, blocks, cells);
    }
    return minimums
        ? Map.of(Part.CODES, cells.codes, Part.SCALE, cells.scales, MINIMUM, cells.minimums)
        : Map.of(Part.CODES, cells.codes, Part.SCALE, cells.scales);
  }

  private void search(Tile tile, float[] importance, Cells cells) {
    int cols = tile.cols();
    float[] x = tile.values();
    float[] weights = new float[cols];
    float[] scales = new float[cols / BLOCK];
    float[] least = new float[cols / BLOCK];
    RangeSearch ranges = new RangeSearch(BLOCK, codes.maxCode(), -0.9f, 0.05f, 36, false);
    SignedSearch signed = new SignedSearch(BLOCK, -codes.minCode());
    for (int row = 0; row < tile.height(); row++) {
      int at = row * cols;
      weigh(x, at, cols, importance, 0, squares(x, at, cols) / cols, weights, 0);
      if (minimums) {
        ranges.groups(x, at, weights, scales.length, cells.codes, scales, least);
      } else {
        signed.groups(x, at, weights, scales.length, cells.codes, scales);
      }
      for (int block = 0; block < scales.length; block++) {
        put(tile, cells.scales, at / BLOCK + block, scales[block]);
        if (minimums) {
          put(tile, cells.minimums, at / BLOCK + block, least[block]);
        }
      }
    }
  }

  private void ranges(Tile tile, int blocks, Cells cells) {
    float[] x = tile.values();
    for (int block = 0; block < blocks; block++) {
      int at = block * BLOCK;
      float least = Float.MAX_VALUE;
      float greatest = -Float.MAX_VALUE;
      for (int i = at; i < at + BLOCK; i++) {
        least = x[i] < least ? x[i] : least;
        greatest = x[i] > greatest ? x[i] : greatest;
      }
      put(tile, cells.scales, block, range(x, at, least, greatest, cells.codes));
      // Subtracted in the formula, added in ggml.
      put(tile, cells.minimums, block, -least);
    }
  }

  /** Many blocks at a time, in loops that C2 vectorizes. */
  private void symmetric(Tile tile, int blocks, Cells cells) {
    Kernels kernels = BoundKernels.current();
    float[] x = tile.values();
    float[] v = new float[CHUNK * BLOCK];
    float[] inverse = new float[v.length];
    for (int first = 0; first < blocks; first += CHUNK) {
      int some = Math.min(CHUNK, blocks - first);
      boolean tiny = false;
      for (int i = 0; i < some; i++) {
        float scale = scale(kernels, x, (first + i) * BLOCK);
        put(tile, cells.scales, first + i, scale);
        float one = scale == 0 ? 0 : 1 / scale;
        tiny |= Float.isInfinite(one);
        Arrays.fill(inverse, i * BLOCK, (i + 1) * BLOCK, one);
      }
      int at = first * BLOCK;
      if (tiny) {
        oneByOne(x, at, inverse, some * BLOCK, cells.codes);
        continue;
      }
      System.arraycopy(x, at, v, 0, some * BLOCK);
      if (rule == Rule.MAGNITUDE) {
        awayFromZero(v, inverse, some * BLOCK);
      } else {
        up(v, inverse, some * BLOCK, -codes.minCode());
      }
      kernels.lowBytes(v, some * BLOCK, cells.codes, at);
    }
  }

  private float scale(Kernels kernels, float[] x, int at) {
    float most = kernels.absMax(x, at, BLOCK);
    if (rule == Rule.MAGNITUDE) {
      return most / codes.maxCode();
    }
    for (int i = at; i < at + BLOCK; i++) {
      if (Math.abs(x[i]) == most) {
        return x[i] / codes.minCode();
      }
    }
    return most;
  }

  /**
   * The nearest integers to products, halves away from zero, plus {@link #MAGIC}. With e the
   * nearest integer to a product, ties to even, the difference d is exact; it is 1/2 where e has to
   * be one more, and the next smaller float is {@link #BELOW_HALF}.
   */
  private static void awayFromZero(float[] v, float[] inverse, int count) {
    for (int i = 0; i < count; i++) {
      float y = v[i] * inverse[i];
      float up = Math.max(y, 0);
      float evenUp = up + MAGIC - MAGIC;
      float moreUp = Math.max(up - evenUp - BELOW_HALF, 0) * 0x1p25f;
      float down = Math.max(-y, 0);
      float evenDown = down + MAGIC - MAGIC;
      float moreDown = Math.max(down - evenDown - BELOW_HALF, 0) * 0x1p25f;
      v[i] = evenUp + moreUp - (evenDown + moreDown) + MAGIC;
    }
  }

  /**
   * The integers below products plus an offset and 1/2, at most the greatest code, plus {@link
   * #MAGIC}. With e the nearest integer, a difference below zero is at least 2^-24, since the sum
   * is at least 1/2 there.
   */
  private static void up(float[] v, float[] inverse, int count, int offset) {
    float shift = offset + 0.5f;
    float most = 2 * offset - 1;
    for (int i = 0; i < count; i++) {
      float sum = v[i] * inverse[i] + shift;
      float even = sum + MAGIC - MAGIC;
      float above = Math.min(Math.max(even - sum, 0) * 0x1p24f, 1);
      v[i] = Math.min(even - above, most) - offset + MAGIC;
    }
  }

  /** Where the inverse of a scale is infinite. */
  private void oneByOne(float[] x, int at, float[] inverse, int count, byte[] code) {
    int offset = -codes.minCode();
    for (int i = 0; i < count; i++) {
      float y = x[at + i] * inverse[i];
      int shifted = Math.min(2 * offset - 1, (int) (y + (offset + 0.5f)));
      code[at + i] =
          (byte)
              (rule == Rule.MAGNITUDE
                  ? y < 0 ? -(int) (0.5 - y) : (int) (y + 0.5)
                  : shifted - offset);
    }
  }

  /** The codes of a block with a minimum, and its scale. */
  private float range(float[] x, int at, float least, float greatest, byte[] code) {
    float scale = (greatest - least) / codes.maxCode();
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + BLOCK; i++) {
      code[i] = (byte) Math.min(codes.maxCode(), (int) ((x[i] - least) * inverse + 0.5f));
    }
    return scale;
  }
}
