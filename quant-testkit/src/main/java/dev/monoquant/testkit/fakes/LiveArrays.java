package dev.monoquant.testkit.fakes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.NativeResource;

/**
 * Counts native arrays, to find arrays that were not closed.
 *
 * <p>Every manager descends from the engine's system manager, which tracks all open arrays,
 * including those of managers that were not closed. An array that was detached from its manager is
 * not counted if nothing was computed from it. Starts the engine.
 */
public final class LiveArrays {

  private LiveArrays() {}

  /**
   * {@return the number of open arrays in the whole process; compare before and after, while no
   * other thread uses arrays}
   */
  public static int count() {
    try (NDManager manager = NDManager.newBaseManager()) {
      return manager.getParentManager().getManagedArrays().size();
    }
  }

  /**
   * {@return whether the memory of an array was released}
   *
   * @param array an array of an engine with native memory
   */
  public static boolean isFreed(NDArray array) {
    return array instanceof NativeResource<?> resource && resource.isReleased();
  }
}
