package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The classes of the new program. Modules of one class share a class if the same attributes of
 * them, and of their children, are holders. Otherwise the class is copied under a new name, in the
 * form that torch uses: {@code __torch__.a.___torch_mangle_7.Linear}.
 */
final class ModuleTypes {

  private static final String MANGLED = "___torch_mangle_";

  private final Map<Modules.Module, ModuleType> types = new HashMap<>();
  private final Map<String, List<ModuleType>> byOriginal = new LinkedHashMap<>();

  /** The start of the attributes of the root that hold constants. */
  static final String HELD_CONSTANT = "held_";

  private final Map<String, Slot> constants;

  private ModuleTypes(Map<String, Slot> constants) {
    this.constants = constants;
  }

  /** Distinguishes classes: modules of equal shape share a class. */
  private record Shape(
      String original,
      Map<String, String> held,
      Map<String, Integer> children,
      Map<String, List<String>> lists,
      boolean root) {}

  /**
   * Creates the classes.
   *
   * @param definitions the classes of the original
   * @param modules all modules
   * @param held returns the classes of the holders of a module, by attribute
   * @param constants the classes of the holders of constants, by the name of the constant
   * @param values all constants of the program
   * @param plan returns the plan of the holder for an original class and an attribute
   */
  static ModuleTypes of(
      Definitions definitions,
      Modules modules,
      Function<Modules.Module, Map<String, String>> held,
      Map<String, String> constants,
      PickleTuple values,
      BiFunction<String, String, Optional<Plan>> plan) {
    Map<String, Slot> slots = new TreeMap<>();
    for (int i = 0; i < values.size(); i++) {
      String name = "c" + i;
      String holder = constants.get(name);
      if (holder != null && values.get(i) instanceof PickleObject value) {
        Optional<Plan> asked = plan.apply(Slot.CONSTANTS, name);
        Slot.Form form = Slot.Form.of(List.of(value));
        slots.put(name, new Slot(Slot.CONSTANTS, name, holder, asked, form));
      }
    }
    ModuleTypes all = new ModuleTypes(Collections.unmodifiableMap(slots));
    Map<Shape, List<Modules.Module>> groups = new LinkedHashMap<>();
    Map<Modules.Module, Integer> numbers = new HashMap<>();
    Map<Shape, Integer> shapes = new LinkedHashMap<>();
    for (Modules.Module module : modules.all()) {
      Map<String, Integer> children = new TreeMap<>();
      module.children().forEach((name, child) -> children.put(name, numbers.get(child)));
      boolean root = module == modules.root() && !constants.isEmpty();
      Map<String, String> own = new TreeMap<>(held.apply(module));
      Shape shape =
          new Shape(module.type().qualified(), own, children, lists(module, own.keySet()), root);
      numbers.put(module, shapes.computeIfAbsent(shape, s -> shapes.size()));
      groups.computeIfAbsent(shape, s -> new ArrayList<>()).add(module);
    }
    Map<Shape, String> names = names(definitions, shapes);
    groups.forEach(
        (shape, members) ->
            all.add(names.getOrDefault(shape, shape.original()), members, shape, plan));
    return all;
  }

  private static Map<String, List<String>> lists(Modules.Module module, Set<String> held) {
    Map<String, List<String>> lists = new TreeMap<>();
    for (String list : module.lists().keySet()) {
      module
          .attributesOf(list)
          .filter(names -> names.stream().anyMatch(held::contains))
          .ifPresent(names -> lists.put(list, names));
    }
    return lists;
  }

  private void add(
      String name,
      List<Modules.Module> members,
      Shape shape,
      BiFunction<String, String, Optional<Plan>> plan) {
    Modules.Module first = members.get(0);
    Map<String, Slot> slots = new TreeMap<>();
    shape
        .held()
        .forEach(
            (attribute, holder) ->
                slots.put(
                    attribute,
                    new Slot(
                        name,
                        attribute,
                        holder,
                        plan.apply(shape.original(), attribute),
                        form(members, attribute))));
    Map<String, ModuleType> children = new TreeMap<>();
    first
        .children()
        .forEach(
            (attribute, child) -> {
              if (isDeclared(first.type(), attribute, child)) {
                children.put(attribute, types.get(child));
              }
            });
    Map<String, Slot> held = new TreeMap<>();
    if (shape.root()) {
      constants.forEach((c, slot) -> held.put(attribute(first.type(), c), slot));
    }
    ModuleType type = new ModuleType(first.type(), name, slots, children, shape.lists(), held);
    members.forEach(m -> types.put(m, type));
    byOriginal.computeIfAbsent(shape.original(), o -> new ArrayList<>()).add(type);
  }

  private static Slot.Form form(List<Modules.Module> members, String attribute) {
    return Slot.Form.of(
        members.stream().map(m -> new Modules.Place(m, attribute).tensor()).toList());
  }

  /** {@return whether the declared type of a child is its class and not an interface} */
  static boolean isDeclared(ClassDef type, String attribute, Modules.Module child) {
    return type.declared(attribute).filter(child.type().qualified()::equals).isPresent();
  }

  private static String attribute(ClassDef type, String constant) {
    String name = HELD_CONSTANT + constant;
    while (type.attributes().containsKey(name) || type.methods().containsKey(name)) {
      name = name + "_";
    }
    return name;
  }

  /**
   * Chooses the names of classes. The first unchanged class keeps the name; if all are changed, the
   * first class keeps it.
   */
  private static Map<Shape, String> names(Definitions definitions, Map<Shape, Integer> shapes) {
    Map<String, List<Shape>> byOriginal = new LinkedHashMap<>();
    shapes
        .keySet()
        .forEach(s -> byOriginal.computeIfAbsent(s.original(), o -> new ArrayList<>()).add(s));
    Set<Integer> touched = new HashSet<>();
    Set<Shape> changed = new HashSet<>();
    shapes.forEach(
        (shape, number) -> {
          boolean below = shape.children().values().stream().anyMatch(touched::contains);
          if (below || shape.root() || !shape.held().isEmpty()) {
            touched.add(number);
            changed.add(shape);
          }
        });
    Map<Shape, String> names = new HashMap<>();
    int[] next = {firstFree(definitions)};
    byOriginal.forEach(
        (original, same) -> {
          Shape keeps =
              same.stream().filter(s -> !changed.contains(s)).findFirst().orElse(same.get(0));
          for (Shape shape : same) {
            names.put(shape, shape.equals(keeps) ? original : mangled(original, next[0]++));
          }
        });
    return names;
  }

  private static int firstFree(Definitions definitions) {
    int free = 0;
    for (SourceFile file : definitions.files()) {
      for (String part : file.prefix().split("\\.", -1)) {
        OptionalInt number = number(part);
        free = number.isPresent() ? Math.max(free, number.getAsInt() + 1) : free;
      }
    }
    return free;
  }

  /** {@return the number in a name that torch generated; empty for other names} */
  private static OptionalInt number(String name) {
    return name.startsWith(MANGLED)
        ? Expr.Numeral.digits(name.substring(MANGLED.length()))
        : OptionalInt.empty();
  }

  private static String mangled(String qualified, int number) {
    int dot = qualified.lastIndexOf('.');
    String place = qualified.substring(0, dot);
    int last = place.lastIndexOf('.') + 1;
    if (number(place.substring(last)).isPresent()) {
      place = place.substring(0, Math.max(last - 1, 0));
    }
    return place + "." + MANGLED + number + qualified.substring(dot);
  }

  /** {@return all classes of modules, children before their parents} */
  List<ModuleType> all() {
    return byOriginal.values().stream().flatMap(List::stream).toList();
  }

  /** {@return the class of a module} */
  ModuleType of(Modules.Module module) {
    ModuleType type = types.get(module);
    if (type == null) {
      throw new IllegalArgumentException("a module of another program");
    }
    return type;
  }

  /** {@return the class created from an original class, if there is exactly one} */
  Optional<ModuleType> only(String original) {
    List<ModuleType> of = byOriginal.getOrDefault(original, List.of());
    return of.size() == 1 ? Optional.of(of.get(0)) : Optional.empty();
  }

  /** {@return the constants that are replaced by holders, by name} */
  Map<String, Slot> constants() {
    return constants;
  }
}
