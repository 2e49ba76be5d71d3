package dev.monoquant.vector;

import com.google.auto.service.AutoService;
import dev.monoquant.model.KernelProvider;
import dev.monoquant.model.Kernels;
import java.util.Optional;

/**
 * Makes the kernels of the name {@code vector} where the module {@code jdk.incubator.vector} is
 * there: if Java was started with {@code --add-modules jdk.incubator.vector}, or with {@code
 * --add-exports java.base/jdk.internal.module=ALL-UNNAMED}, with which it is loaded here when it is
 * first wanted. The first option makes Java print a warning at each start, the second does not.
 */
@AutoService(KernelProvider.class)
public final class VectorKernelProvider implements KernelProvider {

  private static final String MODULE = "jdk.incubator.vector";

  /** Called by {@link java.util.ServiceLoader}. */
  public VectorKernelProvider() {}

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public Optional<Kernels> kernels() {
    return module().flatMap(VectorKernelProvider::made);
  }

  private static Optional<Kernels> made(Module vectors) {
    VectorKernelProvider.class.getModule().addReads(vectors);
    return VectorKernels.isFast() ? Optional.of(Warm.KERNELS) : Optional.empty();
  }

  private static Optional<Module> module() {
    Optional<Module> found = ModuleLayer.boot().findModule(MODULE);
    return found.isPresent() ? found : load();
  }

  /** Calls what loads the platform's own modules on demand, if this may be called. */
  private static Optional<Module> load() {
    try {
      Object module =
          Class.forName("jdk.internal.module.Modules")
              .getMethod("loadModule", String.class)
              .invoke(null, MODULE);
      return Optional.of((Module) module);
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      return Optional.empty();
    }
  }

  /** One for all runs: what C2 has compiled for the first is ready for the next. */
  private static final class Warm {
    static final Kernels KERNELS = new WarmingKernels(new VectorKernels());
  }
}
