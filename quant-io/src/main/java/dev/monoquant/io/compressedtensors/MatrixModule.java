package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.TensorInfo;
import java.util.Optional;

/** Finds the module of a matrix in a loader, by the name of the tensor. */
final class MatrixModule {

  private static final String WEIGHT = "weight";

  /** The name under which PyTorch stores the originals of a parametrized weight. */
  private static final String PARAMETRIZED = ".parametrizations.weight";

  private MatrixModule() {}

  /**
   * {@return the module, which may be a Linear; empty if the tensor is not a weight}
   *
   * @param tensor an unquantized tensor: {@code a.b.weight}, {@code a.b.weight_v}, {@code
   *     a.b.parametrizations.weight.original1}
   */
  static Optional<String> of(TensorInfo tensor) {
    String name = tensor.name();
    int dot = name.lastIndexOf('.');
    if (tensor.shape().rank() != 2 || dot <= 0) {
      return Optional.empty();
    }
    String module = name.substring(0, dot);
    if (module.endsWith(PARAMETRIZED)) {
      return Optional.of(module.substring(0, module.length() - PARAMETRIZED.length()));
    }
    return name.startsWith(WEIGHT, dot + 1) ? Optional.of(module) : Optional.empty();
  }
}
