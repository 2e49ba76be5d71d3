package dev.monoquant.core.trial;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * Memory that was in use. What the engine takes from the system is zero, and a kernel that does not
 * write all of its output, or reads what nobody has written, goes unnoticed as long as that is
 * right. In a process that runs for longer, the same memory is handed out again as it was left.
 *
 * <p>Arrays of many sizes are filled and freed, on the thread that runs the model next: the
 * allocator of glibc has a heap for each thread. What this does not do: it reaches neither blocks
 * of more than 32 MiB, which come from the system each time, nor what other threads of a kernel
 * take.
 */
final class UsedMemory {

  /** The bytes are all alike within a number, so that it is one in any type, and none is zero. */
  private static final float[] LEFT = {
    Float.intBitsToFloat(0x4B4B4B4B), Float.intBitsToFloat(0xCBCBCBCB)
  };

  /** How many different numbers can be left. */
  static final int KINDS = LEFT.length;

  /** glibc keeps up to 7 freed blocks of a size for unaligned requests, which no array makes. */
  private static final int SMALL_BLOCKS = 16;

  private static final int SMALL_STEP = 16;
  private static final int SMALL = 1024;
  private static final int BLOCKS = 5;
  private static final int LARGEST = 1 << 18;

  /** Of the largest block that was freed depends how much is kept, and not given to the system. */
  private static final int KEPT_BLOCK = 31 << 18;

  private UsedMemory() {}

  /**
   * Fills and frees about 30 MB, which takes some milliseconds.
   *
   * @param manager makes the arrays; none is left in it
   * @param kind which number is left, less than {@link #KINDS}
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
