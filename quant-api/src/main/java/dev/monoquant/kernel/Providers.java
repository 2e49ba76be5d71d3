package dev.monoquant.kernel;

import java.util.Iterator;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** Finds kernels with {@link ServiceLoader}. */
final class Providers {

  private Providers() {}

  /** The first provider of that name decides; one that cannot be loaded has no kernels. */
  static Optional<Kernels> find(String name) {
    Iterator<KernelProvider> providers =
        ServiceLoader.load(KernelProvider.class, Providers.class.getClassLoader()).iterator();
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
