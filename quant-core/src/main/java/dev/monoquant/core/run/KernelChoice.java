package dev.monoquant.core.run;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ModelInfo;

/** Chooses the kernels of a run by the settings and by the amount of work. */
public final class KernelChoice {

  /**
   * Numbers from which on vector kernels are taken: what they save is more than what it takes to
   * compile them. Measured on two busy processors, the lower of two rounds in turns, int8 of
   * BFLOAT16 took 7 % more processor time with them at 0.1 billion numbers, 2 % less at 0.2, 1 %
   * less at 0.3 and 7 % less at 0.4; int4 4 % less at 0.2 and 8 % less at 0.3; FP8 3 % less at 0.2.
   */
  static final long WORTHWHILE = 250_000_000L;

  private KernelChoice() {}

  /** The numbers of all tensors and of all quantized weights. */
  public static long numbers(ModelInfo info) {
    return info.tensors().stream().mapToLong(t -> t.shape().elements()).sum()
        + info.quantized().stream().mapToLong(w -> w.matrix().tensor().shape().elements()).sum();
  }

  /**
   * The kernels for the settings.
   *
   * @param numbers how many are processed
   * @throws ConfigurationException if vector kernels are required and cannot run
   */
  public static Kernels of(Settings settings, long numbers) {
    return switch (settings.compute()) {
      case JVM, TORCH -> BoundKernels.JVM;
      case AUTO ->
          numbers < WORTHWHILE
              ? BoundKernels.JVM
              : BoundKernels.find(Compute.VECTOR.wire()).orElse(BoundKernels.JVM);
      case VECTOR ->
          BoundKernels.find(Compute.VECTOR.wire())
              .orElseThrow(
                  () ->
                      new ConfigurationException(
                          "compute vector cannot run here: it needs the library quant-vector, Java"
                              + " started with --add-modules jdk.incubator.vector, and a processor"
                              + " with vectors of at least 256 bits. Choose auto or jvm"));
    };
  }
}
