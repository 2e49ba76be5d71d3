package dev.monoquant.schemes;

import java.util.Arrays;

/**
 * Which values of a tile share a scale, worked out once for all tiles of a weight.
 *
 * @param cols columns of the weight
 * @param blockRows rows of a block
 * @param blockCols columns of a block; the last block of a row may have fewer
 * @param across blocks side by side
 * @param single whether the whole tensor has a single scale, which no block of a tile is
 */
record BlockGrid(int cols, int blockRows, int blockCols, int across, boolean single) {

  static BlockGrid of(AffineSpec spec) {
    return new BlockGrid(
        Math.toIntExact(spec.cols()),
        spec.blockRows(),
        spec.blockCols(),
        spec.blocks(),
        spec.perTensor());
  }

  /** The number of blocks of some rows. */
  int count(int height) {
    return Math.multiplyExact((height + blockRows - 1) / blockRows, across);
  }

  /** The index of the block of an element of a tile. */
  int block(int row, int col) {
    return single ? 0 : row / blockRows * across + col / blockCols;
  }

  /** The columns of a block in a row of blocks. */
  int width(int block) {
    return Math.min(blockCols, cols - block * blockCols);
  }

  /** Writes the number of its block for each value of a part of a row. */
  void spread(float[] numbers, int row, int col, int count, float[] to) {
    int block = block(row, col);
    int end = single ? count : blockCols - col % blockCols;
    for (int done = 0; done < count; block++) {
      int next = Math.min(count, end);
      Arrays.fill(to, done, next, numbers[block]);
      done = next;
      end += blockCols;
    }
  }
}
