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
        return new Held(slot, false, owner);
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
   * @param transposed whether its two axes are swapped
   * @param owner the module it belongs to
   */
  record Held(Slot slot, boolean transposed, String owner) implements Value {

    Held flipped() {
      return new Held(slot, !transposed, owner);
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
