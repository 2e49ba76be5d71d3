package dev.monoquant.script;

import java.util.Optional;

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

  /** {@return this plan with the decoded tensor} */
  Plan withDecoded() {
    return new Plan(product, transposed, embedding, window, true, bias);
  }

  /** {@return this plan with biases as arguments} */
  Plan withoutBias() {
    return new Plan(product, transposed, embedding, window, decoded, Optional.empty());
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
