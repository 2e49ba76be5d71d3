package dev.monoquant.io.script;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ReadLimits;
import java.util.List;
import java.util.Optional;

/**
 * Replaces weights of a TorchScript program by holders. Immutable; thread-safe.
 *
 * <p>A weight is found by its name in the state dict, such as {@code encoder.0.weight}; in a frozen
 * archive by that of its constant, such as {@code CONSTANTS.c3}.
 */
public final class Rewriter {

  private final ScriptProgram program;

  private Rewriter(ScriptProgram program) {
    this.program = program;
  }

  /**
   * Understands a program.
   *
   * @param program the program; not changed
   * @param label the file, for messages
   * @param limits how much to believe
   * @return what can rewrite it
   * @throws ModelFormatException if it is not TorchScript
   */
  public static Rewriter of(ScriptProgram program, String label, ReadLimits limits) {
    return new Rewriter(program);
  }

  /**
   * Why a weight cannot be held quantized, or would not gain. From shapes, kinds and code alone.
   *
   * @param weight the weight with its options
   * @return the reason, a sentence without an end; empty if it can
   */
  public Optional<String> refusal(EncodedWeight weight) {
    return Optional.empty();
  }

  /**
   * Replaces weights.
   *
   * @param weights those to hold; of each {@link #refusal} is empty
   * @return the new program
   * @throws IllegalArgumentException if one of them is refused
   */
  public Rewritten rewrite(List<EncodedWeight> weights) {
    return new Rewritten(program, List.of(), List.of());
  }
}
