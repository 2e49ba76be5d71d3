package dev.monoquant.core.trial;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * Fills the memory that the engine allocates next with values other than zero. Fresh memory from
 * the system is zero, which hides kernels that do not write all of their output or read
 * uninitialised memory. In a longer-running process the allocator returns used memory unchanged.
 *
 * <p>Fills and frees arrays of many sizes on the thread that runs the model next: the allocator of
 * glibc has a heap for each thread. What this does not do: it does not reach blocks of more than 32
 * MiB, which come from the system each time, or memory that other threads of a kernel allocate.
 */
final class UsedMemory {

  /** All bytes of a number are equal and not zero, so that it is a number in any type. */
  private static final float[] LEFT = {
    Float.intBitsToFloat(0x4B4B4B4B), Float.intBitsToFloat(0xCBCBCBCB)
  };

  /** The number of different fill values. */
  static final int KINDS = LEFT.length;

  /** glibc keeps up to 7 freed blocks of a size for unaligned requests, which no array makes. */
  private static final int SMALL_BLOCKS = 16;

  private static final int SMALL_STEP = 16;
  private static final int SMALL = 1024;
  private static final int BLOCKS = 5;
  private static final int LARGEST = 1 << 18;

  /**
   * The largest freed block determines how much memory glibc keeps instead of returning it to the
   * system.
   */
  private static final int KEPT_BLOCK = 31 << 18;

  private UsedMemory() {}

  /**
   * Fills and frees about 30 MB, which takes a few milliseconds.
   *
   * @param manager creates the arrays; all are closed again
   * @param kind the index of the fill value, less than {@link #KINDS}
   */
  static void leave(NDManager manager, int kind) {
    try (NDManager scope = manager.newSubManager()) {
      scope.create(new Shape(KEPT_BLOCK)).close();
      for (int floats = SMALL_STEP; floats < SMALL; floats += SMALL_STEP) {
        fill(scope, floats, SMALL_BLOCKS, LEFT[kind]);
      }
      for (int floats = SMALL; floats <= LARGEST; floats += floats / 4) {
        fill(scope, floats, BLOCKS, LEFT[kind]);
      }
    }
  }

  private static void fill(NDManager scope, int floats, int blocks, float number) {
    for (int i = 0; i < blocks; i++) {
      scope.full(new Shape(floats), number);
    }
  }
}
