package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The modules of an archive in the order of a state dict: a module's own tensors, then its
 * children, each in the order of the pickle. A module that is used at several places is met at
 * each.
 */
final class ModuleTree {

  /**
   * A module.
   *
   * @param path its name, empty for the root
   * @param className its qualified class
   * @param tensors its parameters and buffers by local name, as the pickle would make them
   */
  record Node(String path, String className, Map<String, PickleObject> tensors) {

    /** {@return the full name of one of its tensors} */
    String tensorName(String local) {
      return path.isEmpty() ? local : path + "." + local;
    }
  }

  private record Open(PickleObject module, String path, int depth) {}

  private final String file;
  private final ScriptClasses classes;
  private final ReadLimits limits;
  private final Deque<Open> open = new ArrayDeque<>();
  private final List<Node> nodes = new ArrayList<>();
  private final List<String> leftOut = new ArrayList<>();
  private int seen;

  private ModuleTree(String file, ScriptClasses classes, ReadLimits limits) {
    this.file = file;
    this.classes = classes;
    this.limits = limits;
  }

  /**
   * What was found.
   *
   * @param nodes the modules
   * @param leftOut names of attributes with tensors that are neither parameters nor buffers
   */
  record Modules(List<Node> nodes, List<String> leftOut) {}

  /**
   * Walks the modules.
   *
   * @param root the value of {@code data.pkl}
   * @param classes the classes of the archive
   * @param file the file for messages
   * @param limits how much to believe
   * @return the modules
   * @throws ModelFormatException if they do not fit their classes or are over a limit
   */
  static Modules walk(PickleValue root, ScriptClasses classes, String file, ReadLimits limits) {
    ModuleTree tree = new ModuleTree(file, classes, limits);
    if (!(root instanceof PickleObject module) || tree.moduleClass(module).isEmpty()) {
      throw new ModelFormatException(
          Reason.PICKLE_SHAPE,
          file,
          quote("data.pkl"),
          "holds "
              + root.kind()
              + ", not a module whose class is in code/. Save a module with torch.jit.save.");
    }
    tree.open.push(new Open(module, "", 0));
    while (!tree.open.isEmpty()) {
      tree.visit(tree.open.pop());
    }
    return new Modules(tree.nodes, tree.leftOut);
  }

  private Optional<ScriptClasses.ScriptClass> moduleClass(PickleObject object) {
    return classes
        .find(object.callee().path())
        .filter(ScriptClasses.ScriptClass::module)
        .filter(c -> object.call() == PickleObject.Call.NEW);
  }

  private void visit(Open at) {
    if (++seen > limits.maxTensors() || at.depth() > limits.maxDepth()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          "module " + quote(at.path()),
          "is the "
              + seen
              + "th module, nested "
              + at.depth()
              + " deep; at most "
              + limits.maxTensors()
              + " (limit maxTensors) and "
              + limits.maxDepth()
              + " deep (limit maxDepth) are read. Raise the limit if the file can be trusted.");
    }
    String className = at.module().callee().path();
    ScriptClasses.ScriptClass type = moduleClass(at.module()).orElseThrow();
    Node node = new Node(at.path(), className, new LinkedHashMap<>());
    if (!(at.module().state().orElse(None.INSTANCE) instanceof PickleDict attributes)) {
      refuseHiddenTensors(at);
      nodes.add(node);
      return;
    }
    Set<String> wanted = new LinkedHashSet<>(type.parameters());
    wanted.addAll(type.buffers());
    List<Open> children = new ArrayList<>();
    for (PickleDict.Item item : attributes.items()) {
      String name = item.key() instanceof Text text ? text.value() : item.key().kind();
      boolean listed = wanted.remove(name);
      visitAttribute(at, node, name, item.value(), listed).ifPresent(children::add);
    }
    if (!wanted.isEmpty()) {
      throw shape(
          "module " + quote(at.path()),
          "its class " + quote(className) + " has " + wanted + ", the pickle does not");
    }
    nodes.add(node);
    for (int i = children.size() - 1; i >= 0; i--) {
      open.push(children.get(i));
    }
  }

  /** {@return the module to visit, if the attribute is one} */
  private Optional<Open> visitAttribute(
      Open at, Node node, String name, PickleValue value, boolean listed) {
    String full = node.tensorName(name);
    if (value instanceof PickleObject object) {
      if (TorchGlobals.isTensor(object.callee())) {
        if (listed) {
          node.tensors().put(name, object);
        } else {
          leftOut.add(full);
        }
        return Optional.empty();
      }
      if (moduleClass(object).isPresent()) {
        return Optional.of(new Open(object, full, at.depth() + 1));
      }
      if (isPacked(object)) {
        throw new ModelFormatException(
            Reason.UNSUPPORTED_TENSOR,
            file,
            "attribute " + quote(full),
            "is a packed weight, "
                + quote(object.callee().path())
                + ", so the model is quantized already. Save the model before it was quantized.");
      }
    }
    if (listed && !(value instanceof None)) {
      throw shape(
          "tensor " + quote(full), "should be a parameter or buffer and is " + value.kind());
    }
    if (!PickleWalk.persistentIds(value).isEmpty()) {
      leftOut.add(full);
    }
    return Optional.empty();
  }

  private static boolean isPacked(PickleObject object) {
    return object.callee().path().startsWith("__torch__.torch.classes.")
        && !PickleWalk.persistentIds(object).isEmpty();
  }

  private void refuseHiddenTensors(Open at) {
    if (!PickleWalk.persistentIds(at.module()).isEmpty()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          file,
          "module " + quote(at.path()),
          "its class "
              + quote(at.module().callee().path())
              + " keeps tensors in a state of its own making (__getstate__), where they have no"
              + " names. Save the module before it was packed or quantized.");
    }
  }

  private ModelFormatException shape(String where, String detail) {
    return new ModelFormatException(
        Reason.PICKLE_SHAPE,
        file,
        where,
        detail + ". The archive is damaged or was altered; save it again.");
  }
}
