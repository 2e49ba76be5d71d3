package dev.monoquant.schemes;

/**
 * Finds the least and the greatest number of a block. Holds scratch: one for each call and thread.
 *
 * <p>A loop that reduces to one number waits for each comparison before the next. Long blocks are
 * therefore folded: piece after piece is copied to scratch and compared with what is there lane by
 * lane, which the compiler turns into vector code, and only the lanes are reduced in the end. That
 * is about twice as fast for both ends, and the same result, for no comparison rounds.
 */
final class BlockRange {

  /** Lanes, and the length of a piece. */
  private static final int LANES = 512;

  private final float[] piece = new float[LANES];
  private final float[] low = new float[LANES];
  private final float[] high = new float[LANES];

  /** The greatest magnitude among some numbers. */
  float absMax(float[] values, int from, int count) {
    if (count < 2 * LANES) {
      return AffineKernels.absMax(values, from, count);
    }
    System.arraycopy(values, from, high, 0, LANES);
    int last = from + count - LANES;
    // The last piece may overlap the one before: what was compared twice changes nothing.
    for (int at = from + LANES; at < from + count; at += LANES) {
      System.arraycopy(values, Math.min(at, last), piece, 0, LANES);
      AffineKernels.absMaxInto(piece, high, LANES);
    }
    return AffineKernels.absMax(high, 0, LANES);
  }

  /** Writes the least and the greatest among some numbers to the two arrays, at an index. */
  void find(float[] values, int from, int count, float[] least, float[] greatest, int at) {
    if (count < 2 * LANES) {
      least[at] = AffineKernels.min(values, from, count);
      greatest[at] = AffineKernels.max(values, from, count);
      return;
    }
    System.arraycopy(values, from, low, 0, LANES);
    System.arraycopy(values, from, high, 0, LANES);
    int last = from + count - LANES;
    for (int start = from + LANES; start < from + count; start += LANES) {
      System.arraycopy(values, Math.min(start, last), piece, 0, LANES);
      AffineKernels.minInto(piece, low, LANES);
      AffineKernels.maxInto(piece, high, LANES);
    }
    least[at] = AffineKernels.min(low, 0, LANES);
    greatest[at] = AffineKernels.max(high, 0, LANES);
  }
}
