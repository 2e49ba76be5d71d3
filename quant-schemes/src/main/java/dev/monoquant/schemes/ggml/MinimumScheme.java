package dev.monoquant.schemes.ggml;

import dev.monoquant.model.ElementType;
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
 * Unsigned codes in groups with a scale and a minimum of a few bits, and float16 scales of both for
 * each block of 256 columns: {@code decoded = super_scale * scale * code - super_minimum *
 * minimum}.
 */
abstract class MinimumScheme extends GgmlScheme {

  private static final String SUPER_MINIMUM = "super_minimum";
  private static final int BLOCK = 256;

  /** Blocks whose groups are searched side by side. */
  private static final int CHUNK = 32;

  private final ElementType codes;
  private final ElementType scales;
  private final int group;
  private final Search plain;

  /**
   * A search without importance, see {@link RangeSearch}.
   *
   * @param from added to the greatest code in the first try
   * @param tries further tries, each 0.1 further
   * @param magnitudes whether weights and errors are magnitudes
   */
  record Search(float from, int tries, boolean magnitudes) {}

  /**
   * @param name the name, such as {@code q4-k}
   * @param codes the type of the codes
   * @param scales the type of scales and minimums
   * @param group columns of a group
   * @param plain the search without importance
   */
  MinimumScheme(String name, ElementType codes, ElementType scales, int group, Search plain) {
    super(name, codes.bits(), false, group, BLOCK, true);
    this.codes = codes;
    this.scales = scales;
    this.group = group;
    this.plain = plain;
  }

  @Override
  final Encoding encoding() {
    Formula.Affine formula =
        new Formula.Affine(
            Part.CODES, List.of(Factor.times(SUPER), Factor.times(Part.SCALE)), Optional.empty());
    return new Encoding(
        List.of(
            codes(codes),
            Part.perGroup(SUPER, ElementType.FLOAT16, BLOCK),
            Part.perGroup(Part.SCALE, scales, group),
            Part.perGroup(SUPER_MINIMUM, ElementType.FLOAT16, BLOCK),
            Part.perGroup(MINIMUM, scales, group)),
        formula.withMinimums(
            List.of(Factor.times(SUPER_MINIMUM), Factor.times(MINIMUM)), ElementType.FLOAT32));
  }

  @Override
  final Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    return new Work(tile, importance).parts();
  }

  /** The buffers of a tile. */
  private final class Work {
    private final Tile tile;
    private final float @Nullable [] importance;
    private final float[] x;
    private final RangeSearch search;
    private final byte[] code;
    private final byte[] supers;
    private final byte[] scale;
    private final byte[] superMinimums;
    private final byte[] minimum;
    private final float[] weights;
    private final float[] scaleOf;
    private final float[] minimumOf;
    private final int groups = BLOCK / group;
    private final float[] numbers = new float[groups];
    private final float[] sums = new float[groups];
    private final byte[] found = new byte[groups];

    Work(Tile tile, float @Nullable [] importance) {
      this.tile = tile;
      this.importance = importance;
      this.x = tile.values();
      this.search =
          importance == null
              ? new RangeSearch(
                  group, codes.maxCode(), plain.from, 0.1f, plain.tries, plain.magnitudes)
              : new RangeSearch(group, codes.maxCode(), -0.9f, 0.05f, 36, false);
      int count = tile.height() * tile.cols();
      this.code = new byte[count];
      this.supers = new byte[count / BLOCK * Short.BYTES];
      this.scale = new byte[count / group];
      this.superMinimums = new byte[count / BLOCK * Short.BYTES];
      this.minimum = new byte[count / group];
      this.weights = new float[CHUNK * BLOCK];
      this.scaleOf = new float[CHUNK * groups];
      this.minimumOf = new float[CHUNK * groups];
    }

    Map<String, byte[]> parts() {
      int blocks = code.length / BLOCK;
      for (int first = 0; first < blocks; first += CHUNK) {
        int some = Math.min(CHUNK, blocks - first);
        int at = first * BLOCK;
        for (int i = 0; i < some; i++) {
          weigh(at + i * BLOCK, i * BLOCK);
        }
        search.groups(x, at, weights, some * groups, code, scaleOf, minimumOf);
        for (int i = 0; i < some; i++) {
          block(at + i * BLOCK, i * BLOCK);
        }
      }
      return Map.of(
          Part.CODES,
          code,
          SUPER,
          supers,
          Part.SCALE,
          scale,
          SUPER_MINIMUM,
          superMinimums,
          MINIMUM,
          minimum);
    }

    /** The weights of the block at an index of the tile, to an index of the chunk. */
    private void weigh(int at, int to) {
      if (importance != null) {
        float squares = squares(x, at, BLOCK);
        float variance = plain.magnitudes ? squares / BLOCK : 2 * squares / BLOCK;
        GgmlScheme.weigh(x, at, BLOCK, importance, at % tile.cols(), variance, weights, to);
        return;
      }
      for (int from = 0; from < BLOCK; from += group) {
        float mean = plain.magnitudes ? 0 : (float) Math.sqrt(squares(x, at + from, group) / group);
        for (int i = from; i < from + group; i++) {
          weights[to + i] = mean + Math.abs(x[at + i]);
        }
      }
    }

    private void block(int at, int inChunk) {
      int block = at / BLOCK;
      if (importance != null) {
        for (int g = 0; g < groups; g++) {
          float sum = 0;
          for (int i = inChunk + g * group; i < inChunk + (g + 1) * group; i++) {
            sum += weights[i];
          }
          sums[g] = sum;
        }
      }
      float d = fit(scaleOf, inChunk / group, supers, block, scale);
      float m = fit(minimumOf, inChunk / group, superMinimums, block, minimum);
      for (int g = 0; g < groups; g++) {
        float step = d * scale[block * groups + g];
        if (step == 0) {
          continue;
        }
        float subtracted = m * minimum[block * groups + g];
        int from = at + g * group;
        for (int i = from; i < from + group; i++) {
          code[i] = (byte) clamp(nearest((x[i] + subtracted) / step), 0, codes.maxCode());
        }
      }
    }

    /** Stores scales or minimums of a block in a few bits; the float16 number they are times of. */
    private float fit(float[] all, int first, byte[] supersOf, int block, byte[] cells) {
      System.arraycopy(all, first, numbers, 0, groups);
      int last = scales.maxCode();
      float whole;
      if (importance != null) {
        whole = ScaleSearch.unsigned(numbers, groups, last, sums, found);
      } else {
        float greatest = 0;
        for (float number : numbers) {
          greatest = number > greatest ? number : greatest;
        }
        float inverse = greatest > 0 ? last / greatest : 0;
        for (int g = 0; g < groups; g++) {
          found[g] = (byte) Math.min(last, nearest(inverse * numbers[g]) & 0xff);
        }
        whole = greatest / last;
      }
      System.arraycopy(found, 0, cells, block * groups, groups);
      return put(tile, supersOf, block, whole);
    }
  }
}
