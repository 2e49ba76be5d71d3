package dev.monoquant.script;

import java.util.Optional;

/**
 * One place where code uses a weight.
 *
 * @param slot the weight
 * @param kind what for
 * @param window of a convolution
 * @param bias of a product, the attribute beside the weight that is added; empty if there is none
 *     or it is something else
 * @param detail why it cannot be held, of {@link Kind#FORBIDDEN}; else empty
 */
record Use(Slot slot, Kind kind, Optional<Window> window, Optional<String> bias, String detail) {

  /** What a weight is used for. */
  enum Kind {
    /** {@code x @ weight.T}. */
    LINEAR,
    /** {@code x @ weight}. */
    TRANSPOSED,
    /** Rows are looked up. */
    EMBEDDING,
    /** A convolution of 1 or 2 dimensions. */
    CONVOLUTION,
    /** Only its shape or type is asked for. */
    METADATA,
    /** Anything else: it gets the decoded tensor. */
    OTHER,
    /** It may not be held. */
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

  static Use forbidden(Slot slot, String detail) {
    return new Use(slot, Kind.FORBIDDEN, Optional.empty(), Optional.empty(), detail);
  }

  /** {@return whether the holder does it without the decoded tensor} */
  boolean isHeld() {
    return kind != Kind.OTHER && kind != Kind.FORBIDDEN;
  }
}
