package dev.monoquant.model;

import java.util.Iterator;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * The kernels that are bound to threads, and those that can be. The kernels of a run are those of
 * its threads: {@link #with} binds them to the calling thread for a piece of work, and {@link
 * #current()} returns them. A thread that has none uses {@link #JVM}.
 */
public final class BoundKernels {

  /** Plain loops. */
  public static final Kernels JVM = new JvmKernels();

  private static final ThreadLocal<Kernels> KERNELS = ThreadLocal.withInitial(() -> JVM);

  private BoundKernels() {}

  /** {@return the kernels of the calling thread to use at this moment} */
  public static Kernels current() {
    return KERNELS.get().now();
  }

  /** {@return the kernels that are bound to the calling thread} */
  public static Kernels bound() {
    return KERNELS.get();
  }

  /**
   * Does a piece of work with the kernels bound to the calling thread.
   *
   * @param kernels the kernels that {@link #current()} returns meanwhile
   * @param work what to do
   * @param <T> the type of the result
   * @param <E> the exceptions of the work
   * @return the result of the work
   * @throws E if the work does
   */
  public static <T, E extends Exception> T with(Kernels kernels, Work<T, E> work) throws E {
    Kernels before = KERNELS.get();
    KERNELS.set(kernels);
    try {
      return work.run();
    } finally {
      KERNELS.set(before);
    }
  }

  /**
   * A piece of work.
   *
   * @param <T> the type of the result
   * @param <E> its exceptions
   */
  @FunctionalInterface
  public interface Work<T, E extends Exception> {
    /**
     * {@return the result}
     *
     * @throws E if the work fails
     */
    T run() throws E;
  }

  /**
   * {@return the kernels of a name, {@code jvm} or that of a {@link KernelProvider}; empty if there
   * are none, their provider cannot be loaded, or they cannot run in this JVM}
   *
   * @param name the name
   */
  public static Optional<Kernels> find(String name) {
    if (name.equals(JVM.name())) {
      return Optional.of(JVM);
    }
    Iterator<KernelProvider> providers =
        ServiceLoader.load(KernelProvider.class, BoundKernels.class.getClassLoader()).iterator();
    try {
      while (providers.hasNext()) {
        KernelProvider provider = providers.next();
        if (provider.name().equals(name)) {
          return provider.kernels();
        }
      }
    } catch (ServiceConfigurationError | LinkageError e) {
      return Optional.empty();
    }
    return Optional.empty();
  }
}
