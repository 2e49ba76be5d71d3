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
  static BlockRanges of(AffineSpec spec, float[] values, int height) {
    float[] least = new float[spec.blocks(height)];
    float[] greatest = new float[least.length];
    boolean signed = !spec.symmetric() || spec.profile() == Profile.ONNXRUNTIME;
    int cols = Math.toIntExact(spec.cols());
    int blockCols = spec.blockCols();
    int across = spec.blocks();
    BlockRange range = new BlockRange();
    float[] min = new float[1];
    float[] max = new float[1];
    for (int row = 0; row < height; row++) {
      boolean begins = row % spec.blockRows() == 0;
      for (int i = 0; i < across; i++) {
        int from = row * cols + i * blockCols;
        int count = Math.min(blockCols, cols - i * blockCols);
        int block = row / spec.blockRows() * across + i;
        if (signed) {
          range.find(values, from, count, min, max, 0);
        } else {
          max[0] = range.absMax(values, from, count);
          min[0] = -max[0];
        }
        least[block] = begins ? min[0] : Math.min(least[block], min[0]);
        greatest[block] = begins ? max[0] : Math.max(greatest[block], max[0]);
      }
    }
    return new BlockRanges(least, greatest, signed ? first(spec, values, least.length) : least);
  }

  private static float[] first(AffineSpec spec, float[] values, int blocks) {
    float[] first = new float[blocks];
    int across = spec.blocks();
    for (int block = 0; block < blocks; block++) {
      int row = block / across * spec.blockRows();
      first[block] = values[row * (int) spec.cols() + block % across * spec.blockCols()];
    }
    return first;
  }
}
