package dev.monoquant.script;

import dev.monoquant.script.SourceFile.ClassDef;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A class of modules that have holders in the same attributes, and children of the same classes. If
 * modules of one original class differ in this, the class becomes several.
 */
final class ModuleType {

  private final ClassDef original;
  private final String name;
  private final Map<String, Slot> held;
  private final Map<String, ModuleType> children;
  private final Map<String, List<String>> lists;
  private final Map<String, Slot> constants;

  /**
   * Creates a class.
   *
   * @param original the original class
   * @param name its qualified name in the new program
   * @param held the attributes that are holders
   * @param children the classes of its child modules by attribute
   * @param lists the attributes that are lists of tensors with weights in them, each with the
   *     attributes that are the same tensors
   * @param constants the constants that it holds, by the added attribute
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

  /** {@return the original class} */
  ClassDef original() {
    return original;
  }

  /** {@return its qualified name in the new program} */
  String name() {
    return name;
  }

  /** {@return the attributes that are holders} */
  Map<String, Slot> held() {
    return held;
  }

  /** {@return the classes of its child modules by attribute} */
  Map<String, ModuleType> children() {
    return children;
  }

  /**
   * {@return the lists of tensors with weights in them, each with the attributes that are its
   * items}
   */
  Map<String, List<String>> lists() {
    return lists;
  }

  /** {@return the constants that it holds, by the added attribute} */
  Map<String, Slot> constants() {
    return constants;
  }

  /** {@return the type of an attribute in the original declaration} */
  Expr declared(String attribute) {
    ClassDef.Attribute declared = original.attributes().get(attribute);
    if (declared == null) {
      throw new IllegalStateException(name + " declares no " + attribute);
    }
    return declared.type();
  }

  /** {@return the method with that name, or empty} */
  Optional<Function> method(String method) {
    return Optional.ofNullable(original.methods().get(method));
  }
}
