package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.EncodedTile;
import java.util.Optional;

/**
 * Decodes weights as PyTorch does that loads a TorchScript output, so that what {@link
 * Scheme#torchScript} says can be compared with what {@link Scheme#decoder} does.
 *
 * <p>Found by {@link java.util.ServiceLoader}; {@code quant-script} has one, which needs the
 * PyTorch engine. Thread-safe.
 */
public interface ScriptRunner {

  /**
   * Whether it can run here. The first call starts the engine.
   *
   * @return why it cannot, a sentence without an end; empty if it can
   */
  Optional<String> unavailable();

  /**
   * Decodes a weight.
   *
   * @param weight the weight, with what its scheme says in TorchScript
   * @param parts all its rows and all its parts
   * @return its numbers, row-major, rounded to its type; empty if outputs do not know how to decode
   *     it and would leave it in float
   * @throws dev.monoquant.ValidationException if the TorchScript does not compile or does not run
   */
  Optional<float[]> decode(EncodedWeight weight, EncodedTile parts);

  /**
   * Whether two decoded numbers count as the same: they are equal, or one step of the weight's type
   * apart, or 2 to the -22nd of the number. That is what FLOAT32 products of three factors come to
   * in another order, and where rounding to the type may turn.
   *
   * @param type the type of the weight
   * @param decoded what a decoder makes
   * @param run what TorchScript makes
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
