package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.TensorInfo;
import java.util.Optional;

/**
 * One name for the choice of a scheme for each weight of a model, as programs that read an output
 * format make it: important weights get more bits. An {@link OutputSession} offers it; the name
 * stands where the id of a scheme may stand, and a rule for some layers overrides it.
 *
 * <p>What this does not do: it does not choose options; schemes have their defaults. Immutable and
 * thread-safe.
 */
public interface SchemeMix {

  /** The name of the value in {@link EncodedWeight#storage()} of weights that a mix chose for. */
  String STORED = "mix";

  /**
   * The choice for a tensor.
   *
   * @param scheme the id of the scheme; empty if the tensor is left unquantized
   * @param reason why it is left unquantized; empty otherwise
   */
  record Choice(Optional<String> scheme, String reason) {

    /** Checks that nothing is null. */
    public Choice {
      requireNonNull(scheme, "scheme");
      requireNonNull(reason, "reason");
    }

    /**
     * {@return the choice of a scheme}
     *
     * @param id its id
     */
    public static Choice of(String id) {
      return new Choice(Optional.of(id), "");
    }

    /**
     * {@return the choice to leave a tensor unquantized}
     *
     * @param reason why
     */
    public static Choice keep(String reason) {
      return new Choice(Optional.empty(), reason);
    }
  }

  /** {@return the name, such as {@code Q4_K_M}} */
  String name();

  /**
   * Chooses the scheme of a weight.
   *
   * @param tensor one of the plain tensors of the model
   * @return the choice, the same at each call
   */
  Choice choose(TensorInfo tensor);
}
