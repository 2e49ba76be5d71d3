package dev.monoquant.testkit.laws;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.NativeResource;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Counts the arrays of the whole process.
 *
 * <p>Every manager descends from the engine's system manager, which knows what is alive below it;
 * so a manager that a plugin made for itself and forgot is seen as well. What this does not see: an
 * array that was detached from its manager and from which nothing was computed, unless it is the
 * tile's own.
 */
final class LiveArrays {

  private LiveArrays() {}

  /** Runs a call that may return an array which must be closed by then. */
  static void requireUnchanged(String law, Object subject, Supplier<Optional<NDArray>> call) {
    requireClosed(law, subject, call.get()); // A first call: constants made once are no leak.
    int before = count();
    requireClosed(law, subject, call.get());
    int after = count();
    if (after != before) {
      throw new LawViolation(
          law, subject, "%d arrays are alive, %d were before the call".formatted(after, before));
    }
  }

  private static void requireClosed(String law, Object subject, Optional<NDArray> array) {
    if (array.isPresent()
        && array.get() instanceof NativeResource<?> resource
        && !resource.isReleased()) {
      throw new LawViolation(law, subject, "the tile's own array was taken out of its manager");
    }
  }

  private static int count() {
    try (NDManager manager = NDManager.newBaseManager()) {
      return manager.getParentManager().getManagedArrays().size();
    }
  }
}
