package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;

/**
 * An attribute of a class, or a constant of the code, that is replaced by a holder. All modules of
 * one class run the same code, so that a slot applies to each of them.
 *
 * @param type the name of the class in the new program; {@code CONSTANTS} for a constant
 * @param attribute the attribute, or the name of the constant
 * @param holder the class of the holder
 * @param plan the plan of the holder; empty during the analysis
 * @param form what is known of the tensors of the slot
 */
record Slot(String type, String attribute, String holder, Optional<Plan> plan, Form form) {

  /**
   * Properties of all tensors of a slot.
   *
   * @param matrix whether they have two dimensions
   * @param single whether they are FLOAT32
   */
  record Form(boolean matrix, boolean single) {

    static Form of(Collection<PickleObject> tensors) {
      return new Form(
          tensors.stream()
              .allMatch(t -> TensorView.of(t).filter(v -> v.sizes().size() == 2).isPresent()),
          tensors.stream().allMatch(TensorView::isSingle));
    }
  }

  /** The type of the slots of constants. */
  static final String CONSTANTS = "CONSTANTS";

  /** The prefix of the name of a constant in the code. */
  static final String CONSTANT_PREFIX = CONSTANTS + ".";

  Slot {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(attribute, "attribute");
    Objects.requireNonNull(holder, "holder");
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(form, "form");
  }

  boolean isConstant() {
    return type.equals(CONSTANTS);
  }

  /**
   * {@return the properties that a function that takes the holder depends on; independent of the
   * weight}
   */
  String signature() {
    return plan.map(p -> holder + p).orElse(this.toString());
  }
}
