package dev.monoquant.schemes.ggml;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
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
    float[] least = new float[blocks];
    float[] scales = new float[blocks];
    for (int block = 0; block < blocks; block++) {
      int at = block * BLOCK;
      float lowest = Float.MAX_VALUE;
      float greatest = -Float.MAX_VALUE;
      for (int i = at; i < at + BLOCK; i++) {
        lowest = x[i] < lowest ? x[i] : lowest;
        greatest = x[i] > greatest ? x[i] : greatest;
      }
      least[block] = lowest;
      scales[block] = (greatest - lowest) / codes.maxCode();
    }
    code(tile, least, scales, cells);
    // Subtracted in the formula, added in ggml.
    for (int block = 0; block < blocks; block++) {
      least[block] = -least[block];
    }
    putAll(tile, least, cells.minimums);
  }

  private void symmetric(Tile tile, int blocks, Cells cells) {
    float[] scales = new float[blocks];
    BoundKernels.current().largest(tile.values(), 0, blocks * BLOCK, BLOCK, scales);
    for (int block = 0; block < blocks; block++) {
      scales[block] =
          rule == Rule.MAGNITUDE
              ? Math.abs(scales[block]) / codes.maxCode()
              : scales[block] / codes.minCode();
    }
    code(tile, new float[blocks], scales, cells);
  }

  /** Stores scales, and computes the codes with them as they were before. */
  private void code(Tile tile, float[] least, float[] scales, Cells cells) {
    putAll(tile, scales, cells.scales);
    float[] factors = new float[scales.length];
    boolean tiny = false;
    for (int block = 0; block < scales.length; block++) {
      factors[block] = scales[block] == 0 ? 0 : 1 / scales[block];
      tiny |= Float.isInfinite(factors[block]);
    }
    float[] x = tile.values();
    int count = scales.length * BLOCK;
    Kernels kernels = BoundKernels.current();
    if (rule == Rule.MAGNITUDE) {
      kernels.nearestCodes(x, 0, count, BLOCK, factors, cells.codes, 0);
    } else {
      kernels.shiftedCodes(codes, x, 0, count, BLOCK, least, factors, cells.codes, 0);
    }
    for (int block = 0; tiny && block < scales.length; block++) {
      if (Float.isInfinite(factors[block])) {
        oneByOne(x, block * BLOCK, least[block], factors[block], cells.codes);
      }
    }
  }

  /** Where the inverse of a scale is infinite: as in ggml, whose numbers become integers in C. */
  private void oneByOne(float[] x, int at, float least, float inverse, byte[] code) {
    int offset = -codes.minCode();
    for (int i = at; i < at + BLOCK; i++) {
      float y = (x[i] - least) * inverse;
      int shifted = Math.min(offset + codes.maxCode(), (int) (y + (offset + 0.5f)));
      code[i] =
          (byte)
              (rule == Rule.MAGNITUDE
                  ? y < 0 ? -(int) (0.5 - y) : (int) (y + 0.5)
                  : shifted - offset);
    }
  }
}
