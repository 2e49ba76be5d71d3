package dev.monoquant.schemes;

import dev.monoquant.schemes.AffineSpec.Profile;

/** The smallest, the largest and the first value of each block of some rows. */
final class BlockRanges {

  private final float[] least;
  private final float[] greatest;
  private final float[] first;

  /**
   * @param least the smallest; the negated largest magnitude where only magnitudes matter
   * @param greatest the largest
   * @param first the first; where it does not matter, any value of the block's range
   */
  BlockRanges(float[] least, float[] greatest, float[] first) {
    this.least = least;
    this.greatest = greatest;
    this.first = first;
  }

  /** Not a copy. */
  float[] least() {
    return least;
  }

  /** Not a copy. */
  float[] greatest() {
    return greatest;
  }

  /** Not a copy. */
  float[] first() {
    return first;
  }

  /**
   * Finds them.
   *
   * @param values rows of values, row-major
   * @param height how many rows
   */
  static BlockRanges of(AffineSpec spec, BlockGrid grid, float[] values, int height) {
    boolean signed = !spec.symmetric() || spec.profile() == Profile.ONNXRUNTIME;
    BlockRanges ranges =
        grid.blockRows() == 1
            ? ofRows(grid, values, height, signed)
            : joined(grid, ofRows(grid, values, height, signed), height);
    if (signed) {
      for (int block = 0; block < ranges.first.length; block++) {
        int row = block / grid.across() * grid.blockRows();
        int col = block % grid.across() * grid.blockCols();
        ranges.first[block] = values[row * grid.cols() + col];
      }
    }
    return ranges;
  }

  /** The ranges of each row of each block. */
  private static BlockRanges ofRows(BlockGrid grid, float[] values, int height, boolean signed) {
    float[] least = new float[Math.multiplyExact(height, grid.across())];
    float[] greatest = new float[least.length];
    BlockRange range = new BlockRange();
    int block = 0;
    for (int row = 0; row < height; row++) {
      for (int i = 0; i < grid.across(); i++, block++) {
        int from = row * grid.cols() + i * grid.blockCols();
        if (signed) {
          range.find(values, from, grid.width(i), least, greatest, block);
        } else {
          greatest[block] = range.absMax(values, from, grid.width(i));
          least[block] = -greatest[block];
        }
      }
    }
    return new BlockRanges(least, greatest, signed ? new float[least.length] : least);
  }

  private static BlockRanges joined(BlockGrid grid, BlockRanges rows, int height) {
    float[] least = new float[grid.count(height)];
    float[] greatest = new float[least.length];
    for (int row = 0; row < height; row++) {
      for (int i = 0; i < grid.across(); i++) {
        int from = row * grid.across() + i;
        int block = row / grid.blockRows() * grid.across() + i;
        boolean begins = row % grid.blockRows() == 0;
        least[block] = begins ? rows.least[from] : Math.min(least[block], rows.least[from]);
        greatest[block] =
            begins ? rows.greatest[from] : Math.max(greatest[block], rows.greatest[from]);
      }
    }
    return new BlockRanges(least, greatest, new float[least.length]);
  }
}
