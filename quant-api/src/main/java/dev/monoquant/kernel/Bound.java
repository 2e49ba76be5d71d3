package dev.monoquant.kernel;

/** The kernels that are bound to threads. */
final class Bound {

  private static final ThreadLocal<Kernels> KERNELS = ThreadLocal.withInitial(() -> Kernels.JVM);

  private Bound() {}

  static Kernels current() {
    return KERNELS.get();
  }

  static <T, E extends Exception> T with(Kernels kernels, Kernels.Work<T, E> work) throws E {
    Kernels before = KERNELS.get();
    KERNELS.set(kernels);
    try {
      return work.run();
    } finally {
      KERNELS.set(before);
    }
  }
}
