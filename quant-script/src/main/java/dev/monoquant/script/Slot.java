package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;

/**
 * An attribute of a class that holds a weight, or a constant of the code that does. All modules of
 * one class run the same code, so that what is known of the attribute holds for each.
 *
 * @param type the class, as it is called in the new program; {@code CONSTANTS} for a constant
 * @param attribute the attribute, or the name of the constant
 * @param holder the class of the holder
 * @param plan what the holder is asked to do; empty while that is being found out
 * @param form what is known of the tensors that are there
 */
record Slot(String type, String attribute, String holder, Optional<Plan> plan, Form form) {

  /**
   * What holds for all tensors of a slot.
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

  /** {@return whether the holder can do it} */
  boolean allows(Use use) {
    return plan.isEmpty() || plan.get().allows(use);
  }

  /** {@return what a function that takes the holder depends on: not which weight it is} */
  String signature() {
    return plan.map(p -> holder + p).orElse(this.toString());
  }
}
