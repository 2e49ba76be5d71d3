package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.EncodedTile;
import java.util.Optional;

/**
 * Decodes weights in PyTorch like a loaded TorchScript output, to compare {@link
 * Scheme#torchScript} with {@link Scheme#decoder}.
 *
 * <p>Found with {@link java.util.ServiceLoader}; {@code quant-script} has an implementation, which
 * needs the PyTorch engine. Thread-safe.
 */
public interface ScriptRunner {

  /**
   * Whether the runner works on this machine. The first call starts the engine.
   *
   * @return the reason why not, without a final period; empty if it works
   */
  Optional<String> unavailable();

  /**
   * Decodes a weight.
   *
   * @param weight the weight, with the TorchScript of its scheme
   * @param parts all its rows and all its parts
   * @return its values, row-major, rounded to its type; empty if outputs cannot decode it and store
   *     it in float
   * @throws dev.monoquant.ValidationException if the TorchScript does not compile or does not run
   */
  Optional<float[]> decode(EncodedWeight weight, EncodedTile parts);

  /**
   * Whether two decoded values count as the same: they are equal, or differ by one step of the
   * weight's type or by 2^-22 of the value. FLOAT32 products of three factors in another order, and
   * the rounding to the type, may differ by that much.
   *
   * @param type the type of the weight
   * @param decoded the result of the decoder
   * @param run the result of TorchScript
   * @return whether they are the same; false if either is not finite
   */
  static boolean isSame(ElementType type, float decoded, float run) {
    if (!Float.isFinite(decoded) || !Float.isFinite(run)) {
      return false;
    }
    float step =
        switch (type) {
          case FLOAT16 -> Math.max(0x1p-24f, Math.ulp(decoded) * 0x1p13f);
          case BFLOAT16 -> Math.ulp(decoded) * 0x1p16f;
          default -> Math.ulp(decoded);
        };
    double allowed = Math.max(step, Math.abs((double) decoded) * 0x1p-22);
    return Math.abs((double) decoded - run) <= allowed;
  }
}
