package dev.monoquant.schemes;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;

/**
 * Finds the minimum and maximum of a block. Holds scratch arrays: use one instance per call and
 * thread.
 *
 * <p>A loop that reduces to one value waits for each comparison before the next. Long blocks are
 * therefore folded: piece after piece is copied to scratch and compared lane by lane, which the
 * compiler vectorizes, and only the lanes are reduced at the end. This is about twice as fast and
 * gives the same result, because comparisons do not round.
 */
final class BlockRange {

  /** Lanes, and the length of a piece. */
  private static final int LANES = 512;

  private final Kernels kernels = BoundKernels.current();
  private final float[] piece = new float[LANES];
  private final float[] low = new float[LANES];
  private final float[] high = new float[LANES];

  /** The largest magnitude of some values. */
  float absMax(float[] values, int from, int count) {
    if (kernels != BoundKernels.JVM) {
      return kernels.absMax(values, from, count);
    }
    if (count < 2 * LANES) {
      return AffineKernels.absMax(values, from, count);
    }
    System.arraycopy(values, from, high, 0, LANES);
    int last = from + count - LANES;
    // The last piece may overlap the previous one: comparing twice changes nothing.
    for (int at = from + LANES; at < from + count; at += LANES) {
      System.arraycopy(values, Math.min(at, last), piece, 0, LANES);
      AffineKernels.absMaxInto(piece, high, LANES);
    }
    return AffineKernels.absMax(high, 0, LANES);
  }

  /** Writes the minimum and maximum of some values to the two arrays, at an index. */
  void find(float[] values, int from, int count, float[] least, float[] greatest, int at) {
    if (count < 2 * LANES || kernels != BoundKernels.JVM) {
      least[at] = kernels.min(values, from, count);
      greatest[at] = kernels.max(values, from, count);
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
    least[at] = kernels.min(low, 0, LANES);
    greatest[at] = kernels.max(high, 0, LANES);
  }
}
