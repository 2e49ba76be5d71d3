package dev.monoquant.script;

import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One use of a weight in code.
 *
 * @param slot the weight
 * @param kind the kind of use
 * @param window the window of a convolution
 * @param bias the attribute of the same module that a product adds; empty if there is none or it
 *     adds something else
 * @param detail why the weight is left unquantized, for {@link Kind#FORBIDDEN}; the function that
 *     is called with it, for {@link Kind#OTHER}, empty if it is not known; otherwise empty
 */
record Use(Slot slot, Kind kind, Optional<Window> window, Optional<String> bias, String detail) {

  /** Kinds of uses. */
  enum Kind {
    /** {@code x @ weight.T}. */
    LINEAR,
    /** {@code x @ weight}. */
    TRANSPOSED,
    /** A look-up of rows. */
    EMBEDDING,
    /** A convolution of 1 or 2 dimensions. */
    CONVOLUTION,
    /** A query of its shape or type. */
    METADATA,
    /** Any other use, which gets the decoded tensor. */
    OTHER,
    /** A use that requires the weight to be left unquantized. */
    FORBIDDEN
  }

  static Use of(Slot slot, Kind kind) {
    return new Use(slot, kind, Optional.empty(), Optional.empty(), "");
  }

  static Use product(Slot slot, boolean transposed, Optional<String> bias) {
    return new Use(slot, transposed ? Kind.TRANSPOSED : Kind.LINEAR, Optional.empty(), bias, "");
  }

  static Use convolution(Slot slot, Window window) {
    return new Use(slot, Kind.CONVOLUTION, Optional.of(window), Optional.empty(), "");
  }

  static Use other(Slot slot, String function) {
    return new Use(slot, Kind.OTHER, Optional.empty(), Optional.empty(), function);
  }

  static Use forbidden(Slot slot, String detail) {
    return new Use(slot, Kind.FORBIDDEN, Optional.empty(), Optional.empty(), detail);
  }

  /**
   * The plan for all uses of one weight. If uses contradict each other, kernels run one kind of
   * them, and the others get the decoded tensor.
   *
   * @param uses the uses
   * @return the plan
   */
  static Plan plan(Collection<Use> uses) {
    boolean linear = uses.stream().anyMatch(u -> u.kind() == Kind.LINEAR);
    boolean product = linear || uses.stream().anyMatch(u -> u.kind() == Kind.TRANSPOSED);
    Set<Optional<String>> biases =
        uses.stream()
            .filter(u -> u.kind() == Kind.LINEAR || u.kind() == Kind.TRANSPOSED)
            .map(Use::bias)
            .collect(Collectors.toSet());
    Plan plan =
        new Plan(
            product,
            product && !linear,
            uses.stream().anyMatch(u -> u.kind() == Kind.EMBEDDING),
            uses.stream().flatMap(u -> u.window().stream()).findFirst(),
            false,
            biases.size() == 1 ? biases.iterator().next() : Optional.empty());
    return uses.stream().allMatch(use -> use.fits(plan)) ? plan : plan.withDecoded();
  }

  /** {@return whether the holder of the weight supports this use} */
  boolean isAllowed() {
    return slot.plan().isEmpty() || fits(slot.plan().get());
  }

  private boolean fits(Plan plan) {
    return switch (kind) {
      case LINEAR -> plan.product() && !plan.transposed();
      case TRANSPOSED -> plan.product() && plan.transposed();
      case EMBEDDING -> plan.embedding();
      case CONVOLUTION -> plan.window().equals(window);
      case METADATA -> true;
      case OTHER, FORBIDDEN -> false;
    };
  }

  /** {@return whether the holder supports it without the decoded tensor} */
  boolean isHeld() {
    return kind != Kind.OTHER && kind != Kind.FORBIDDEN;
  }
}
