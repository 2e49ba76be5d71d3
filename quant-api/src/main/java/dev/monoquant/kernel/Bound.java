package dev.monoquant.kernel;

/** The kernels that are bound to threads. */
final class Bound {

  private static final ThreadLocal<Kernels> KERNELS = ThreadLocal.withInitial(() -> Kernels.JVM);

  private Bound() {}

  static Kernels current() {
    return KERNELS.get();
  }

  static void run(Kernels kernels, Runnable work) {
    Kernels before = KERNELS.get();
    KERNELS.set(kernels);
    try {
      work.run();
    } finally {
      KERNELS.set(before);
    }
  }
}
