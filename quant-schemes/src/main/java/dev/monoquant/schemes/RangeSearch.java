package dev.monoquant.schemes;

import dev.monoquant.schemes.AffineSpec.AffineParameters;
import java.util.Arrays;

/**
 * Finds for each block the share of its range that, taken as the range, gives the least error. One
 * instance handles one tile in one thread.
 *
 * <p>The error of a block is a sum over its values. Values are handled in pieces of a row, of whole
 * blocks or of a part of one, so that loops are long; a piece of a block is summed in eight
 * interleaved sums, which are then added, and pieces are added in order. So the result depends on
 * the values of the block alone, and is the same on every machine.
 *
 * <p>Squares are FLOAT32: errors below 10^-22 or above 10^19 are not told apart, and such a range
 * stays as it is.
 *
 * <p>A share replaces the best one so far only if its error is strictly less. A share of 1 comes
 * first and is all there is where no error is finite.
 */
final class RangeSearch {

  /** The least share that is tried, for error bounds. */
  static float leastShare(Search search) {
    return search == Search.MSE ? mseShare(MSE_STEPS - 1) : 1 - COARSE * COARSE_STEP;
  }

  /** Shares from 1 down, {@link #COARSE_STEP} apart. */
  private static final int COARSE = 6;

  private static final float COARSE_STEP = 0.08f;

  /** Then one on either side of the best, at half the distance, so many times. */
  private static final int FINER = 3;

  /** As the observer of the library: at most a fifth of the range goes, in steps of a hundredth. */
  private static final int MSE_STEPS = 20;

  private static final int LANES = 8;

  private final AffineSpec spec;
  private final BlockGrid grid;
  private final float[] values;
  private final int height;
  private final float[] importance;
  private final BlockRanges ranges;
  private final float[] bestShare;
  private final double[] bestError;
  private final float[] share;
  private final float[] scales;
  private final float[] zeros;
  private final double[] error;

  private RangeSearch(
      AffineSpec spec, float[] values, int height, float[] importance, BlockRanges ranges) {
    this.spec = spec;
    this.grid = BlockGrid.of(spec);
    this.values = values;
    this.height = height;
    this.importance = importance;
    this.ranges = ranges;
    int blocks = ranges.least().length;
    this.bestShare = new float[blocks];
    this.bestError = new double[blocks];
    this.share = new float[blocks];
    this.scales = new float[blocks];
    this.zeros = new float[blocks];
    this.error = new double[blocks];
    Arrays.fill(bestShare, 1);
    Arrays.fill(bestError, Double.POSITIVE_INFINITY);
  }

  /**
   * {@return the ranges, narrowed; the same if the scheme does not search for ranges}
   *
   * @param values rows of values, row-major
   * @param height how many rows
   * @param importance for {@link Search#GRID}, what a squared error of each column counts; empty if
   *     all count the same
   */
  static BlockRanges narrow(
      AffineSpec spec, float[] values, int height, float[] importance, BlockRanges ranges) {
    if (spec.search() != Search.GRID && spec.search() != Search.MSE) {
      return ranges;
    }
    RangeSearch search = new RangeSearch(spec, values, height, importance, ranges);
    if (spec.search() == Search.GRID) {
      search.coarseToFine();
    } else {
      search.asTheObserver();
    }
    return search.narrowed();
  }

  private void coarseToFine() {
    for (int i = 0; i < COARSE; i++) {
      Arrays.fill(share, 1 - i * COARSE_STEP);
      attempt();
    }
    float step = COARSE_STEP;
    for (int level = 0; level < FINER; level++) {
      step /= 2;
      float[] centre = bestShare.clone();
      for (int side = -1; side <= 1; side += 2) {
        for (int block = 0; block < share.length; block++) {
          share[block] = centre[block] + side * step;
        }
        attempt();
      }
    }
  }

  private void asTheObserver() {
    for (int i = 0; i < MSE_STEPS; i++) {
      Arrays.fill(share, mseShare(i));
      attempt();
    }
  }

  private static float mseShare(int step) {
    return (float) (1 - step / 100.0);
  }

  private BlockRanges narrowed() {
    float[] least = new float[bestShare.length];
    float[] greatest = new float[bestShare.length];
    for (int block = 0; block < least.length; block++) {
      least[block] = part(bestShare[block], ranges.least()[block]);
      greatest[block] = part(bestShare[block], ranges.greatest()[block]);
    }
    return new BlockRanges(least, greatest, ranges.first());
  }

  private float part(float share, float end) {
    return share == 1 ? end : spec.precision().round(share * end);
  }

  /** Keeps, block by block, what is better than the best so far. */
  private void attempt() {
    for (int block = 0; block < share.length; block++) {
      AffineParameters made =
          spec.profile()
              .parameters(
                  spec,
                  part(share[block], ranges.least()[block]),
                  part(share[block], ranges.greatest()[block]),
                  ranges.first()[block]);
      scales[block] = made.scale();
      zeros[block] = made.zeroPoint();
    }
    addErrors();
    for (int block = 0; block < share.length; block++) {
      double sum =
          spec.search() == Search.MSE ? spec.precision().round((float) error[block]) : error[block];
      if (sum < bestError[block]) {
        bestError[block] = sum;
        bestShare[block] = share[block];
      }
    }
  }

  private void addErrors() {
    Arrays.fill(error, 0);
    int cols = grid.cols();
    int chunk = Math.min(cols, AffineKernels.CHUNK);
    float[] x = new float[chunk];
    float[] v = new float[chunk];
    float[] scale = new float[chunk];
    float[] zero = new float[chunk];
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; ) {
        int count = piece(col, cols);
        System.arraycopy(values, row * cols + col, x, 0, count);
        System.arraycopy(x, 0, v, 0, count);
        grid.spread(scales, row, col, count, scale);
        grid.spread(zeros, row, col, count, zero);
        spec.profile().levels(spec, v, scale, zero, count);
        if (spec.search() == Search.MSE) {
          powers(v, x, scale, zero, count);
        } else {
          squares(v, x, scale, zero, count);
          if (importance.length > 0) {
            System.arraycopy(importance, col, x, 0, count);
            weigh(v, x, count);
          }
        }
        addTo(row, col, count, v);
        col += count;
      }
    }
  }

  /** Columns from one on that are handled together: whole blocks, or a part of one. */
  private int piece(int col, int cols) {
    int block = grid.blockCols();
    int whole = AffineKernels.CHUNK / block * block;
    int end =
        whole == 0 ? Math.min(col + AffineKernels.CHUNK, (col / block + 1) * block) : col + whole;
    return Math.min(end, cols) - col;
  }

  private static void squares(float[] v, float[] x, float[] scale, float[] zero, int count) {
    for (int i = 0; i < count; i++) {
      float off = (v[i] - AffineKernels.MAGIC - zero[i]) * scale[i] - x[i];
      v[i] = off * off;
    }
  }

  private static void weigh(float[] v, float[] importance, int count) {
    for (int i = 0; i < count; i++) {
      v[i] *= importance[i];
    }
  }

  /** The decoded value and its error in the weight's type, as the library computes them. */
  private void powers(float[] v, float[] x, float[] scale, float[] zero, int count) {
    Precision t = spec.precision();
    for (int i = 0; i < count; i++) {
      float decoded = t.round((v[i] - AffineKernels.MAGIC - zero[i]) * scale[i]);
      v[i] = t.round((float) power(t.round(decoded - x[i]), t));
    }
  }

  /**
   * |x|^2.4, where torch rounds the exponent to the type: 2.40625 in BFLOAT16, 2.400390625 in
   * FLOAT16. Made of additions, products, quotients and square roots alone, which are the same on
   * every machine: as x^2 times the fourth, eighth and so on roots of |x|. In FLOAT32, where the
   * exponent is off by 10^-7, it is x^2 times the fifth root of x^2; four steps of Newton's method
   * from a guess of 4 % leave less than 2^-45.
   */
  static double power(float x, Precision precision) {
    double square = (double) x * x;
    if (square == 0 || !Double.isFinite(square)) {
      return square;
    }
    if (precision == Precision.FLOAT32) {
      double root =
          Double.longBitsToDouble(Double.doubleToRawLongBits(square) / 5 + 0x3326666666666666L);
      for (int i = 0; i < 4; i++) {
        double second = root * root;
        root = 0.8 * root + 0.2 * square / (second * second);
      }
      return square * root;
    }
    double fourth = Math.sqrt(Math.sqrt(Math.abs((double) x)));
    double eighth = Math.sqrt(fourth);
    double thirtySecond = Math.sqrt(Math.sqrt(eighth));
    if (precision == Precision.BFLOAT16) {
      return square * fourth * eighth * thirtySecond;
    }
    double sixtyFourth = Math.sqrt(thirtySecond);
    double half = Math.sqrt(sixtyFourth);
    return square * fourth * eighth * sixtyFourth * half * Math.sqrt(Math.sqrt(half));
  }

  private void addTo(int row, int col, int count, float[] terms) {
    int block = grid.block(row, col);
    int end = grid.blockCols() - col % grid.blockCols();
    for (int done = 0; done < count; block++) {
      int next = Math.min(count, end);
      error[block] += sum(terms, done, next);
      done = next;
      end += grid.blockCols();
    }
  }

  private static double sum(float[] terms, int from, int end) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    int i = from;
    for (; i <= end - LANES; i += LANES) {
      a += terms[i];
      b += terms[i + 1];
      c += terms[i + 2];
      d += terms[i + 3];
      e += terms[i + 4];
      f += terms[i + 5];
      g += terms[i + 6];
      h += terms[i + 7];
    }
    double rest = 0;
    for (; i < end; i++) {
      rest += terms[i];
    }
    return (double) a + b + c + d + e + f + g + h + rest;
  }
}
