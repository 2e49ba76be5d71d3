package dev.monoquant.script;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A class of modules of which the same attributes hold weights, and the classes of whose children
 * are the same. A class of the original becomes several where its modules differ in that.
 */
final class ModuleType {

  private final ClassDef original;
  private final String name;
  private final Map<String, Slot> held;
  private final Map<String, ModuleType> children;
  private final Map<String, List<String>> lists;
  private final Map<String, Slot> constants;

  /**
   * Makes a class.
   *
   * @param original the class it comes from
   * @param name its name with dots in the new program
   * @param held the attributes that hold weights
   * @param children the classes of its modules by attribute
   * @param lists the attributes that are lists of tensors, weights among them, and the attributes
   *     that are the same tensors
   * @param constants the constants it holds, by the attribute that is added for each
   */
  ModuleType(
      ClassDef original,
      String name,
      Map<String, Slot> held,
      Map<String, ModuleType> children,
      Map<String, List<String>> lists,
      Map<String, Slot> constants) {
    this.original = original;
    this.name = name;
    this.held = new TreeMap<>(held);
    this.children = new TreeMap<>(children);
    this.lists = new TreeMap<>(lists);
    this.constants = new TreeMap<>(constants);
  }

  /** {@return the class it comes from} */
  ClassDef original() {
    return original;
  }

  /** {@return its name with dots in the new program} */
  String name() {
    return name;
  }

  /** {@return the attributes that hold weights} */
  Map<String, Slot> held() {
    return held;
  }

  /** {@return the classes of its modules by attribute} */
  Map<String, ModuleType> children() {
    return children;
  }

  /** {@return the lists of tensors with weights in them, and the attributes they consist of} */
  Map<String, List<String>> lists() {
    return lists;
  }

  /** {@return the constants it holds, by the attribute that is added for each} */
  Map<String, Slot> constants() {
    return constants;
  }

  /**
   * What an attribute of a module of this class is.
   *
   * @param attribute its name
   * @param owner how the module is reached
   * @param text what code writes for the module
   */
  Value attribute(String attribute, String owner, String text) {
    Slot slot = held.get(attribute);
    if (slot != null) {
      return new Value.Held(slot, false, owner);
    }
    ModuleType child = children.get(attribute);
    if (child != null) {
      return new Value.OfModule(child, owner + "." + attribute);
    }
    List<String> list = lists.get(attribute);
    if (list != null) {
      Map<String, Optional<Slot>> items = new LinkedHashMap<>();
      list.forEach(item -> items.put(item, Optional.ofNullable(held.get(item))));
      return new Value.OfList(text, items);
    }
    return original.attributes().containsKey(attribute)
        ? new Value.OfTensor(owner, attribute)
        : Value.UNKNOWN;
  }

  /** {@return the type that the original declares for an attribute} */
  Expr declared(String attribute) {
    ClassDef.Attribute declared = original.attributes().get(attribute);
    if (declared == null) {
      throw new IllegalStateException(name + " declares no " + attribute);
    }
    return declared.type();
  }

  /** {@return that method, or empty} */
  Optional<Function> method(String method) {
    return Optional.ofNullable(original.methods().get(method));
  }
}
