package dev.monoquant.script;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is known of the value of an expression. */
sealed interface Value {

  /** A value of which nothing is known. */
  record Unknown() implements Value {}

  /** The unknown value. */
  Value UNKNOWN = new Unknown();

  /**
   * A module.
   *
   * @param type its class
   * @param owner its path in the code, such as {@code self.fc}; equal text in one body means the
   *     same module
   */
  record OfModule(ModuleType type, String owner) implements Value {

    /** The path of a method's own module in the code. */
    static final String SELF = "self";

    /**
     * {@return what is known of an attribute of the module}
     *
     * @param attribute its name
     * @param text the source of the expression for the module
     */
    Value attribute(String attribute, String text) {
      Slot slot = type.held().get(attribute);
      if (slot != null) {
        return Held.of(slot, owner);
      }
      ModuleType child = type.children().get(attribute);
      if (child != null) {
        return new OfModule(child, owner + "." + attribute);
      }
      List<String> list = type.lists().get(attribute);
      if (list != null) {
        Map<String, Optional<Slot>> items = new LinkedHashMap<>();
        list.forEach(item -> items.put(item, Optional.ofNullable(type.held().get(item))));
        return new OfList(text, items);
      }
      return type.original().attributes().containsKey(attribute)
          ? new OfTensor(owner, attribute)
          : UNKNOWN;
    }
  }

  /**
   * A weight that is replaced by a holder.
   *
   * @param slot its slot
   * @param transposed whether its first two axes are swapped
   * @param owner the module it belongs to
   * @param axes the number of its axes here; a kernel of 1x1 may have lost some, and a matrix
   *     gained some, of length 1
   * @param cast the expression for the type that it is converted to, such as {@code
   *     ops.prim.dtype(x)}; empty if it has its own type
   * @param copied whether it lies in memory with its first two axes swapped: {@code contiguous} of
   *     what was transposed
   */
  record Held(
      Slot slot, boolean transposed, String owner, int axes, Optional<String> cast, boolean copied)
      implements Value {

    static Held of(Slot slot, String owner) {
      return new Held(slot, false, owner, slot.form().axes(), Optional.empty(), false);
    }

    Held flipped() {
      return new Held(slot, !transposed, owner, axes, cast, copied);
    }

    Held withAxes(int number) {
      return new Held(slot, transposed, owner, number, cast, copied);
    }

    Held as(String type) {
      return new Held(slot, transposed, owner, axes, Optional.of(type), copied);
    }

    /** {@return its copy in the order of its axes, which the decoded tensor has} */
    Held contiguous() {
      return new Held(slot, transposed, owner, axes, cast, transposed);
    }

    /** {@return the expression for the decoded tensor, for the expression of the holder} */
    String decoded(String holder) {
      // A constant that is observed stays a constant.
      String text =
          slot.isObserved() && slot.isConstant()
              ? Slot.CONSTANT_PREFIX + slot.attribute()
              : "(" + holder + ").tensor()";
      for (int i = axes; i < slot.form().axes(); i++) {
        text = "torch.squeeze(" + text + ", -1)";
      }
      for (int i = slot.form().axes(); i < axes; i++) {
        text = "torch.unsqueeze(" + text + ", -1)";
      }
      if (cast.isPresent()) {
        text = "torch.to(" + text + ", " + cast.get() + ")";
      }
      if (copied) {
        text = "torch.contiguous(torch.transpose(" + text + ", 0, 1))";
      }
      return transposed == copied ? text : "torch.transpose(" + text + ", 0, 1)";
    }

    /** {@return the expression for a product, for the expressions of holder, input and bias} */
    String linear(String holder, String input, String bias) {
      return cast("(" + holder + ").linear(" + own(input) + ", " + bias + ", )");
    }

    /** {@return the expression for a convolution, for the expressions of holder, input and bias} */
    String convolution(String holder, String input, String bias) {
      return cast("(" + holder + ").conv(" + own(input) + ", " + bias + ", )");
    }

    /** {@return an expression, converted to the type that the weight is converted to} */
    String cast(String text) {
      return cast.map(type -> "torch.to(" + text + ", " + type + ")").orElse(text);
    }

    /** {@return an expression of that type, converted to that of the holder, which is FLOAT32} */
    private String own(String text) {
      return cast.isPresent() ? "torch.to(" + text + ", 6)" : text;
    }

    /** {@return whether it is a matrix here} */
    boolean isMatrix() {
      return axes == 2 && slot.form().point();
    }

    /** {@return whether it has the axes of its tensor, apart from their order} */
    boolean isWhole() {
      return axes == slot.form().axes();
    }

    /** {@return whether it is the tensor of its slot, apart from the order of axes} */
    boolean isOwn() {
      return isWhole() && cast.isEmpty();
    }
  }

  /**
   * A tensor that is left unquantized.
   *
   * @param owner the module it belongs to
   * @param attribute its name there
   */
  record OfTensor(String owner, String attribute) implements Value {}

  /**
   * A list of tensors of a module, including weights, that are also attributes of the module.
   *
   * @param module the expression for the module in the code
   * @param items the attributes in the order of the list, with the slots of those that are replaced
   *     by holders
   */
  record OfList(String module, Map<String, Optional<Slot>> items) implements Value {}

  /**
   * A global name, such as {@code torch.linear}.
   *
   * @param name its dotted name
   */
  record Global(String name) implements Value {}
}
