package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.text.Fields;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;

/**
 * A tensor that is left unquantized, and the reason.
 *
 * @param tensor the tensor
 * @param layer the path of its layer
 * @param kind the kind of its layer
 * @param why the class of reason, for counting
 * @param reason the reason as text
 */
public record UnquantizedTensor(
    TensorInfo tensor, String layer, LayerKind kind, Why why, String reason) {

  /** The classes of reasons. */
  public enum Why {
    /** Not a weight: a bias, a norm, an integer tensor, a tensor of no known layer. */
    NOT_A_WEIGHT("not-a-weight"),
    /** The configuration excludes it. */
    EXCLUDED("excluded"),
    /** The output format leaves it unquantized unless the configuration names it. */
    BY_DEFAULT("by-default"),
    /** It has too few elements, or would not become smaller. */
    TOO_SMALL("too-small"),
    /** The scheme with its options or the output format does not support it. */
    UNSUPPORTED("unsupported"),
    /** It contains NaN or infinities and the policy is to leave it unquantized. */
    NON_FINITE("non-finite");

    private final String wire;

    Why(String wire) {
      this.wire = wire;
    }

    /** {@return the stable lower-case word} */
    public String wire() {
      return wire;
    }
  }

  /** Checks that nothing is null. */
  public UnquantizedTensor {
    requireNonNull(tensor, "tensor");
    requireNonNull(layer, "layer");
    requireNonNull(kind, "kind");
    requireNonNull(why, "why");
    requireNonNull(reason, "reason");
  }

  void describe(Fields out) {
    Described.tensor(out, tensor);
    out.text("layer", layer)
        .text("layer_kind", kind.name())
        .text("why", why.wire())
        .text("reason", reason);
  }
}
