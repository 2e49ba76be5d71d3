package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.script.SourceFile.ClassDef;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The modules of a program: the objects in the pickle whose classes are in the code. A module that
 * is used at several places is one module with several names.
 *
 * <p>Modules are visited in the order of a state dict: a module, then its children, each in the
 * order of the pickle. A module can be rewritten only if its attributes are known: neither its
 * class nor the class of a module above it creates its objects with {@code __setstate__}.
 */
final class Modules {

  /** A module. */
  static final class Module {

    private final PickleObject object;
    private final ClassDef type;
    private final Map<String, PickleObject> tensors = new LinkedHashMap<>();
    private final Map<String, List<PickleObject>> lists = new LinkedHashMap<>();
    private final Map<String, Module> children = new LinkedHashMap<>();
    private boolean isListed;

    private Module(PickleObject object, ClassDef type) {
      this.object = object;
      this.type = type;
    }

    /** {@return its object in the pickle} */
    PickleObject object() {
      return object;
    }

    /** {@return its class} */
    ClassDef type() {
      return type;
    }

    /** {@return its tensors by attribute} */
    Map<String, PickleObject> tensors() {
      return tensors;
    }

    /** {@return its lists of tensors by attribute} */
    Map<String, List<PickleObject>> lists() {
      return lists;
    }

    /**
     * {@return the attributes that are the tensors of a list, in the order of the list; empty if a
     * tensor is not an attribute}
     *
     * @param list the attribute that is the list
     */
    Optional<List<String>> attributesOf(String list) {
      List<String> names = new ArrayList<>();
      for (PickleObject item : lists.getOrDefault(list, List.of())) {
        Optional<String> name =
            tensors.entrySet().stream()
                .filter(e -> TensorView.isSame(e.getValue(), item))
                .map(Map.Entry::getKey)
                .filter(n -> !names.contains(n) && isPlain(n))
                .findFirst();
        if (name.isEmpty()) {
          return Optional.empty();
        }
        names.add(name.get());
      }
      return names.isEmpty() ? Optional.empty() : Optional.of(names);
    }

    private static boolean isPlain(String name) {
      return name.indexOf('"') < 0 && name.indexOf('\\') < 0;
    }

    /** {@return its child modules by attribute} */
    Map<String, Module> children() {
      return children;
    }

    /** {@return whether its attributes are known by name} */
    boolean isOpen() {
      return !type.hasOwnState() && object.state().orElse(null) instanceof PickleDict;
    }
  }

  /**
   * A module at one of its places.
   *
   * @param path its name, empty for the root
   * @param module the module
   */
  record Visit(String path, Module module) {}

  /**
   * A tensor of a module.
   *
   * @param module the module
   * @param attribute its attribute
   */
  record Place(Module module, String attribute) {

    /** {@return the tensor at this place} */
    PickleObject tensor() {
      PickleObject tensor = module.tensors().get(attribute);
      if (tensor == null) {
        throw new IllegalStateException(module.type().qualified() + " has no " + attribute);
      }
      return tensor;
    }
  }

  private final Definitions definitions;
  private final String label;
  private final ReadLimits limits;
  private final IdentityHashMap<PickleObject, Module> known = new IdentityHashMap<>();
  private final IdentityHashMap<PickleObject, Boolean> above = new IdentityHashMap<>();
  private final List<Visit> visits = new ArrayList<>();
  private final List<Module> all = new ArrayList<>();
  private final Map<String, Place> places = new LinkedHashMap<>();

  private Modules(Definitions definitions, String label, ReadLimits limits) {
    this.definitions = definitions;
    this.label = label;
    this.limits = limits;
  }

  /**
   * Finds the modules.
   *
   * @param root the value of {@code data.pkl}
   * @param definitions the classes
   * @param label the archive, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the modules
   * @throws ModelFormatException if the root is not a module, or a module contains itself, or the
   *     modules are too many or nested too deep
   */
  static Modules of(PickleValue root, Definitions definitions, String label, ReadLimits limits) {
    Modules modules = new Modules(definitions, label, limits);
    Optional<ClassDef> type = modules.classOf(root);
    if (type.isEmpty()) {
      throw modules.fault(
          Reason.PICKLE_SHAPE,
          quote("data.pkl"),
          "holds " + root.kind() + ", not a module whose class is in code/");
    }
    modules.visit((PickleObject) root, type.get(), "", 0, true);
    return modules;
  }

  /** {@return all modules at all places, in the order of a state dict} */
  List<Visit> visits() {
    return Collections.unmodifiableList(visits);
  }

  /**
   * {@return all modules whose attributes are known, each once, children before their parents, the
   * root last}
   */
  List<Module> all() {
    return Collections.unmodifiableList(all);
  }

  Module root() {
    return all.get(all.size() - 1);
  }

  /** {@return the names of all tensors in the state dict} */
  Set<String> names() {
    return Collections.unmodifiableSet(places.keySet());
  }

  /**
   * {@return the place of a tensor, or empty}
   *
   * @param name its name in the state dict
   */
  Optional<Place> find(String name) {
    return Optional.ofNullable(places.get(name));
  }

  /** {@return the class of a value that is a module} */
  Optional<ClassDef> classOf(PickleValue value) {
    return value instanceof PickleObject object && object.call() == PickleObject.Call.NEW
        ? definitions.type(object.callee().path()).filter(ClassDef::isModule)
        : Optional.empty();
  }

  /** Visits a module. A module that was visited before is visited again for its other names. */
  private Module visit(
      PickleObject object, ClassDef type, String path, int depth, boolean isKnown) {
    if (visits.size() >= limits.maxTensors() || depth > limits.maxDepth()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          label,
          "module " + quote(path),
          "is the "
              + (visits.size() + 1)
              + "th module, nested "
              + depth
              + " deep; at most "
              + limits.maxTensors()
              + " (limit maxTensors) and "
              + limits.maxDepth()
              + " deep (limit maxDepth) are read. Raise the limit if the file can be trusted.");
    }
    if (above.put(object, true) != null) {
      throw fault(Reason.PICKLE_SHAPE, "module " + quote(path), "contains itself");
    }
    Module module = known.computeIfAbsent(object, o -> new Module(o, type));
    visits.add(new Visit(path, module));
    boolean isOpen = isKnown && module.isOpen();
    if (object.state().orElse(null) instanceof PickleDict state) {
      for (PickleDict.Item item : state.items()) {
        if (item.key() instanceof Text key) {
          attribute(module, key.value(), item.value(), path, depth, isOpen);
        }
      }
    }
    if (isKnown && !module.isListed) {
      module.isListed = true;
      all.add(module);
    }
    above.remove(object);
    return module;
  }

  private void attribute(
      Module module, String name, PickleValue value, String path, int depth, boolean isOpen) {
    String full = path.isEmpty() ? name : path + "." + name;
    Optional<ClassDef> type = classOf(value);
    if (type.isPresent()) {
      Module child = visit((PickleObject) value, type.get(), full, depth + 1, isOpen);
      if (isOpen) {
        module.children().put(name, child);
      }
    } else if (isOpen
        && value instanceof PickleObject object
        && TorchGlobals.isTensor(object.callee())) {
      module.tensors().put(name, object);
      places.putIfAbsent(full, new Place(module, name));
    } else if (isOpen) {
      list(value).ifPresent(items -> module.lists().put(name, items));
    }
  }

  private static Optional<List<PickleObject>> list(PickleValue value) {
    if (!(value instanceof PickleObject call)
        || !call.callee().path().equals("torch.jit._pickle.build_tensorlist")
        || call.args().size() != 1
        || !(call.args().get(0) instanceof PickleList items)) {
      return Optional.empty();
    }
    List<PickleObject> tensors = new ArrayList<>();
    for (PickleValue item : items.items()) {
      if (item instanceof PickleObject object && TorchGlobals.isTensor(object.callee())) {
        tensors.add(object);
      } else {
        return Optional.empty();
      }
    }
    return Optional.of(tensors);
  }

  private ModelFormatException fault(Reason reason, String where, String detail) {
    return new ModelFormatException(
        reason,
        label,
        where,
        detail + ". The archive is damaged or was altered; save it again with torch.jit.save.");
  }
}
