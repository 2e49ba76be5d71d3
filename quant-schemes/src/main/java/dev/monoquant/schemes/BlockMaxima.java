package dev.monoquant.schemes;

/** Finds the largest magnitude of each block of a tile. */
final class BlockMaxima {

  /**
   * Blocks that are shorter are compared as integers, for which the order of magnitudes is the
   * same.
   */
  private static final int SHORT = 64;

  private BlockMaxima() {}

  /** The largest magnitudes, in the order of the scales. */
  static float[] of(FloatSpec spec, float[] values, int height) {
    int size = spec.colsPerScale();
    int across = spec.scalesAcross();
    int down = (height - 1) / spec.rowsPerScale() + 1;
    float[] greatest = new float[Math.multiplyExact(down, across)];
    BlockRange range = new BlockRange();
    for (int row = 0; row < height; row++) {
      int first = row / spec.rowsPerScale() * across;
      for (int block = 0; block < across; block++) {
        int from = row * spec.cols() + block * size;
        int count = Math.min(size, spec.cols() - block * size);
        float here =
            count < SHORT ? ofShort(values, from, count) : range.absMax(values, from, count);
        greatest[first + block] = Math.max(greatest[first + block], here);
      }
    }
    return greatest;
  }

  private static float ofShort(float[] values, int from, int count) {
    int greatest = 0;
    for (int i = from; i < from + count; i++) {
      greatest = Math.max(greatest, Float.floatToRawIntBits(values[i]) & 0x7FFFFFFF);
    }
    return Float.intBitsToFloat(greatest);
  }
}
