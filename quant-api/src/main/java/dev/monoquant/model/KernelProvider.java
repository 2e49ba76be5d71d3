package dev.monoquant.model;

import java.util.Optional;

/**
 * Finds out whether {@link Kernels} can run in this JVM, and makes them. Found with {@link
 * java.util.ServiceLoader}. An implementation must not refer to what may be absent outside of
 * {@link #kernels()}.
 */
public interface KernelProvider {

  /** {@return the name of the kernels, such as {@code vector}} */
  String name();

  /**
   * {@return the kernels; empty if something that they need is absent}
   *
   * <p>May load modules; called only when a run wants these kernels.
   */
  Optional<Kernels> kernels();
}
