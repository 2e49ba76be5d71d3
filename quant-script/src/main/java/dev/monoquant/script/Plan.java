package dev.monoquant.script;

import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a holder prepares when it is loaded, from all uses of its weight.
 *
 * @param product whether it is a factor of matrix products
 * @param transposed whether the product is {@code x @ weight} and not {@code x @ weight.T}
 * @param embedding whether rows are looked up
 * @param window the window of the convolution whose kernel it is
 * @param decoded whether it has other uses, which need the decoded tensor
 * @param bias the attribute of the same module that all products add; empty if they differ
 */
record Plan(
    boolean product,
    boolean transposed,
    boolean embedding,
    Optional<Window> window,
    boolean decoded,
    Optional<String> bias) {

  /** The plan of a weight without uses. */
  static final Plan NONE = new Plan(false, false, false, Optional.empty(), false, Optional.empty());

  /**
   * Creates a plan. If uses contradict each other, kernels run one kind of them, and the others get
   * the decoded tensor.
   *
   * @param uses all uses of one weight
   * @return the plan
   */
  static Plan of(Collection<Use> uses) {
    boolean linear = uses.stream().anyMatch(u -> u.kind() == Use.Kind.LINEAR);
    boolean product = linear || uses.stream().anyMatch(u -> u.kind() == Use.Kind.TRANSPOSED);
    Set<Optional<String>> biases =
        uses.stream()
            .filter(u -> u.kind() == Use.Kind.LINEAR || u.kind() == Use.Kind.TRANSPOSED)
            .map(Use::bias)
            .collect(Collectors.toSet());
    Plan plan =
        new Plan(
            product,
            product && !linear,
            uses.stream().anyMatch(u -> u.kind() == Use.Kind.EMBEDDING),
            uses.stream().flatMap(u -> u.window().stream()).findFirst(),
            false,
            biases.size() == 1 ? biases.iterator().next() : Optional.empty());
    return uses.stream().allMatch(plan::allows) ? plan : plan.withDecoded();
  }

  /** {@return this plan with the decoded tensor} */
  Plan withDecoded() {
    return new Plan(product, transposed, embedding, window, true, bias);
  }

  /** {@return this plan with biases as arguments} */
  Plan withoutBias() {
    return new Plan(product, transposed, embedding, window, decoded, Optional.empty());
  }

  /** {@return whether a holder with this plan supports the use without the decoded tensor} */
  boolean allows(Use use) {
    return switch (use.kind()) {
      case LINEAR -> product && !transposed;
      case TRANSPOSED -> product && transposed;
      case EMBEDDING -> embedding;
      case CONVOLUTION -> window.equals(use.window());
      case METADATA -> true;
      case OTHER, FORBIDDEN -> false;
    };
  }

  /** {@return a plan for the uses of both; it has a bias only if they agree on it} */
  Plan and(Plan other) {
    if (equals(NONE)) {
      return other;
    }
    if (other.equals(NONE)) {
      return this;
    }
    boolean opposed =
        (product && other.product && transposed != other.transposed)
            || (window.isPresent() && other.window.isPresent() && !window.equals(other.window));
    if (opposed) {
      throw new IllegalArgumentException("plans " + this + " and " + other + " are opposed");
    }
    return new Plan(
        product || other.product,
        transposed || other.transposed,
        embedding || other.embedding,
        window.or(other::window),
        decoded || other.decoded,
        product && other.product && !bias.equals(other.bias)
            ? Optional.empty()
            : bias.or(other::bias));
  }

  /** {@return whether one holder can support both plans} */
  boolean agrees(Plan other) {
    return !(product && other.product && transposed != other.transposed)
        && (window.isEmpty() || other.window.isEmpty() || window.equals(other.window));
  }
}
