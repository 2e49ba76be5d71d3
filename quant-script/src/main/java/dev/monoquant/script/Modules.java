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
 * The modules of a program: what the pickle has under the classes of the code. A module that is
 * used at several places is one module with several names.
 */
public final class Modules {

  /** A module. */
  static final class Module {

    private final PickleObject object;
    private final ClassDef type;
    private final Map<String, PickleObject> tensors = new LinkedHashMap<>();
    private final Map<String, List<PickleObject>> lists = new LinkedHashMap<>();
    private final Map<String, Module> children = new LinkedHashMap<>();

    private Module(PickleObject object, ClassDef type) {
      this.object = object;
      this.type = type;
    }

    /** {@return what the pickle makes it by} */
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
     * {@return the attributes that are the tensors of a list, in its order; empty if one is not an
     * attribute}
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

    /** {@return its modules by attribute} */
    Map<String, Module> children() {
      return children;
    }

    /** {@return whether its attributes are known by their names} */
    boolean isOpen() {
      return !type.hasOwnState() && object.state().orElse(null) instanceof PickleDict;
    }
  }

  /**
   * A tensor of a module.
   *
   * @param module the module
   * @param attribute its attribute
   */
  public record Place(Module module, String attribute) {

    /** {@return the tensor that is there} */
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
  private final IdentityHashMap<PickleObject, Boolean> open = new IdentityHashMap<>();
  private final List<Module> all = new ArrayList<>();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private int seen;

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
   * @param limits how much to believe
   * @return the modules
   * @throws ModelFormatException if the root is none, or one contains itself, or they are nested
   *     too deep or too many
   */
  public static Modules of(
      PickleValue root, Definitions definitions, String label, ReadLimits limits) {
    Modules modules = new Modules(definitions, label, limits);
    Optional<ClassDef> type = modules.classOf(root);
    if (type.isEmpty()) {
      throw modules.fault(
          Reason.PICKLE_SHAPE,
          quote("data.pkl"),
          "holds " + root.kind() + ", not a module whose class is in code/");
    }
    modules.visit((PickleObject) root, type.get(), "", 0);
    return modules;
  }

  /** {@return all modules, each once, children before their parents, the root last} */
  List<Module> all() {
    return Collections.unmodifiableList(all);
  }

  Module root() {
    return all.get(all.size() - 1);
  }

  /** {@return the names of all tensors in the state dict} */
  public Set<String> names() {
    return Collections.unmodifiableSet(places.keySet());
  }

  /**
   * {@return the place of a tensor, or empty}
   *
   * @param name its name in the state dict
   */
  public Optional<Place> find(String name) {
    return Optional.ofNullable(places.get(name));
  }

  private Optional<ClassDef> classOf(PickleValue value) {
    return value instanceof PickleObject object && object.call() == PickleObject.Call.NEW
        ? definitions.type(object.callee().path()).filter(ClassDef::isModule)
        : Optional.empty();
  }

  /** Also visits again what is known, for its further names. */
  private Module visit(PickleObject object, ClassDef type, String path, int depth) {
    if (++seen > limits.maxTensors() || depth > limits.maxDepth()) {
      throw fault(
          Reason.LIMIT,
          "module " + quote(path),
          "is the "
              + seen
              + "th module, nested "
              + depth
              + " deep; the limits are maxTensors "
              + limits.maxTensors()
              + " and maxDepth "
              + limits.maxDepth());
    }
    if (open.put(object, true) != null) {
      throw fault(Reason.PICKLE_SHAPE, "module " + quote(path), "contains itself");
    }
    Module module = known.get(object);
    boolean isNew = module == null;
    if (module == null) {
      module = new Module(object, type);
    }
    if (module.isOpen() && object.state().orElse(null) instanceof PickleDict state) {
      for (PickleDict.Item item : state.items()) {
        if (item.key() instanceof Text key) {
          attribute(module, key.value(), item.value(), path, depth);
        }
      }
    }
    if (isNew) {
      known.put(object, module);
      all.add(module);
    }
    open.remove(object);
    return module;
  }

  private void attribute(Module module, String name, PickleValue value, String path, int depth) {
    String full = path.isEmpty() ? name : path + "." + name;
    Optional<ClassDef> type = classOf(value);
    if (type.isPresent()) {
      module.children().put(name, visit((PickleObject) value, type.get(), full, depth + 1));
    } else if (value instanceof PickleObject object && TorchGlobals.isTensor(object.callee())) {
      module.tensors().put(name, object);
      places.putIfAbsent(full, new Place(module, name));
    } else {
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
