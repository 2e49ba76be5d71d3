package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

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
   * @param axes the number of their dimensions; 0 if it differs or is unknown
   * @param rows their first dimension; 0 if it differs
   * @param columns their second dimension; 0 if it differs
   * @param point whether all dimensions after the second are 1, as in kernels of 1x1
   * @param single whether they are FLOAT32
   */
  record Form(int axes, long rows, long columns, boolean point, boolean single) {

    static Form of(Collection<PickleObject> tensors) {
      List<List<Long>> sizes =
          tensors.stream()
              .map(t -> TensorView.of(t).map(TensorView::sizes).orElse(List.of()))
              .toList();
      return new Form(
          (int) same(sizes.stream().map(s -> (long) s.size())),
          same(sizes.stream().map(s -> s.isEmpty() ? 0L : s.get(0))),
          same(sizes.stream().map(s -> s.size() < 2 ? 0L : s.get(1))),
          sizes.stream()
              .allMatch(s -> s.size() >= 2 && s.stream().skip(2).allMatch(dim -> dim == 1)),
          tensors.stream().allMatch(TensorView::isSingle));
    }

    private static long same(Stream<Long> numbers) {
      List<Long> distinct = numbers.distinct().limit(2).toList();
      return distinct.size() == 1 ? distinct.get(0) : 0;
    }
  }

  /** The type of the slots of constants. */
  static final String CONSTANTS = "CONSTANTS";

  /** The prefix of the name of a constant in the code. */
  static final String CONSTANT_PREFIX = CONSTANTS + ".";

  /** The end of the name of the class of holders that observe inputs. */
  static final String OBSERVED = ".Observed";

  Slot {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(attribute, "attribute");
    Objects.requireNonNull(holder, "holder");
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(form, "form");
  }

  /**
   * {@return a constant that is an object, as tensors are; empty if there is none of that name}
   *
   * @param constants the constants of a program
   * @param name its name without the prefix, such as {@code c3}
   */
  static Optional<PickleObject> constant(PickleTuple constants, String name) {
    OptionalInt index =
        name.startsWith("c") ? Expr.Numeral.digits(name.substring(1)) : OptionalInt.empty();
    return index.isPresent()
            && name.equals("c" + index.getAsInt())
            && index.getAsInt() < constants.size()
            && constants.get(index.getAsInt()) instanceof PickleObject object
        ? Optional.of(object)
        : Optional.empty();
  }

  boolean isConstant() {
    return type.equals(CONSTANTS);
  }

  /** {@return whether its holder observes inputs and leaves all calls as they are} */
  boolean isObserved() {
    return holder.endsWith(OBSERVED);
  }

  /**
   * {@return the properties that a function that takes the holder depends on; independent of the
   * weight}
   */
  String signature() {
    return plan.map(p -> holder + p).orElse(this.toString());
  }
}
