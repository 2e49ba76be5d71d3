package dev.monoquant.testkit.fakes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.NativeResource;

/**
 * Counts native arrays, to find those that nobody closed.
 *
 * <p>Every manager descends from the engine's system manager, which knows what is alive below it;
 * so a manager that somebody made and forgot is seen as well. What this does not see: an array that
 * was detached from its manager, if nothing was computed from it. Starts the engine.
 */
public final class LiveArrays {

  private LiveArrays() {}

  /**
   * {@return the arrays that are alive in the whole process; compare before and after, while no
   * other thread uses arrays}
   */
  public static int count() {
    try (NDManager manager = NDManager.newBaseManager()) {
      return manager.getParentManager().getManagedArrays().size();
    }
  }

  /**
   * {@return whether its memory was given back}
   *
   * @param array an array of an engine with native memory
   */
  public static boolean isFreed(NDArray array) {
    return array instanceof NativeResource<?> resource && resource.isReleased();
  }
}
