package dev.monoquant.io.script;

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
  private final Map<String, Slot> constants;

  /**
   * Makes a class.
   *
   * @param original the class it comes from
   * @param name its name with dots in the new program
   * @param held the attributes that hold weights
   * @param children the classes of its modules by attribute
   * @param constants the constants it holds, by the attribute that is added for each
   */
  ModuleType(
      ClassDef original,
      String name,
      Map<String, Slot> held,
      Map<String, ModuleType> children,
      Map<String, Slot> constants) {
    this.original = original;
    this.name = name;
    this.held = new TreeMap<>(held);
    this.children = new TreeMap<>(children);
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

  /** {@return the constants it holds, by the attribute that is added for each} */
  Map<String, Slot> constants() {
    return constants;
  }

  /**
   * What an attribute of a module of this class is.
   *
   * @param attribute its name
   * @param owner how the module is reached
   */
  Value attribute(String attribute, String owner) {
    Slot slot = held.get(attribute);
    if (slot != null) {
      return new Value.Held(slot, false, owner);
    }
    ModuleType child = children.get(attribute);
    if (child != null) {
      return new Value.OfModule(child, owner + "." + attribute);
    }
    return original.attributes().containsKey(attribute)
        ? new Value.OfTensor(owner, attribute)
        : Value.UNKNOWN;
  }

  /** {@return that method, or empty} */
  Optional<Function> method(String method) {
    return Optional.ofNullable(original.methods().get(method));
  }
}
