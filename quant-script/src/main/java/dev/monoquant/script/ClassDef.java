package dev.monoquant.script;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A class.
 *
 * @param file its file
 * @param name its unqualified name
 * @param base such as {@code Module}, {@code NamedTuple} or {@code Interface}; empty if none
 * @param attributes its attributes in order, without constants
 * @param lists {@code __parameters__} and {@code __buffers__}
 * @param methods its methods
 * @param start the offset of {@code class}
 * @param headEnd the end of its first line
 * @param end the end of its last line
 */
record ClassDef(
    SourceFile file,
    String name,
    String base,
    Map<String, Attribute> attributes,
    Map<String, NameList> lists,
    Map<String, Function> methods,
    int start,
    int headEnd,
    int end) {

  /**
   * An attribute.
   *
   * @param name its name, which may contain any characters
   * @param type its type
   */
  record Attribute(String name, Expr type) {}

  /**
   * A list of attributes.
   *
   * @param items the names with their offsets
   * @param start the offset of its opening bracket
   * @param end the offset of its closing bracket
   */
  record NameList(List<Expr.Text> items, int start, int end) {
    NameList {
      items = List.copyOf(items);
    }
  }

  ClassDef {
    attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
    lists = Collections.unmodifiableMap(new LinkedHashMap<>(lists));
    methods = Collections.unmodifiableMap(new LinkedHashMap<>(methods));
  }

  /** {@return the names of its parameters and buffers, in this order} */
  Set<String> stateNames() {
    Set<String> names = new LinkedHashSet<>();
    for (String list : List.of("__parameters__", "__buffers__")) {
      NameList found = lists.get(list);
      if (found != null) {
        found.items().forEach(item -> item.plain().ifPresent(names::add));
      }
    }
    return names;
  }

  /** {@return its qualified name} */
  String qualified() {
    return file.prefix() + name;
  }

  /** {@return whether it is a module, which has parameters and methods} */
  boolean isModule() {
    return base.equals("Module");
  }

  /** {@return whether its own code, not the pickle, sets the attributes of its objects} */
  boolean hasOwnState() {
    return methods.containsKey("__setstate__") || methods.containsKey("__getstate__");
  }

  /** {@return whether the attribute is a tensor} */
  boolean isTensor(String attribute) {
    Attribute found = attributes.get(attribute);
    return found != null && found.type() instanceof Expr.Name type && type.name().equals("Tensor");
  }

  /** {@return the declared class of the attribute, or empty if it has none} */
  Optional<String> declared(String attribute) {
    return Optional.ofNullable(attributes.get(attribute)).flatMap(a -> a.type().dotted());
  }
}
