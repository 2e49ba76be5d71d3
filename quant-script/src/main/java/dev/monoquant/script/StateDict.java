package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.torch.ModuleClasses;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.model.LayerKind;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The parameters and buffers of a program, with their names in the state dict: the tensors of a
 * module, then its children, each in the order of the pickle. A module that is used at several
 * places appears at each of them.
 *
 * @param nodes the modules
 * @param leftOut names of attributes with tensors that are neither parameters nor buffers
 */
public record StateDict(List<Node> nodes, List<String> leftOut) {

  /** Names in an error message. */
  private static final int MOST_SHOWN = 10;

  private static final String TORCH = "__torch__.";

  private static final String WEIGHT = "weight";

  /** The end of the names of parameters that a weight is made of, by pruning and others. */
  private static final String ORIGINAL = "_orig";

  /** Names of parameters that tell what all parameters of their module are. */
  private static final Set<String> TELLING = Set.of("weight_ih_l0", "in_proj_weight");

  /** Names of parameters that are known to be a weight, whatever else their module has. */
  private static final Set<String> TOLD = Set.of(WEIGHT, "embedding");

  /** Copies the lists. */
  public StateDict {
    nodes = List.copyOf(nodes);
    leftOut = List.copyOf(leftOut);
  }

  /**
   * A module.
   *
   * @param path its name, empty for the root
   * @param kind the kind of layer, from its class; empty if the class does not determine it
   * @param tensors its parameters and buffers by local name, as objects of the pickle
   * @param unknown the local names of parameters that neither its class nor their names say the
   *     layer of
   */
  public record Node(
      String path,
      Optional<LayerKind> kind,
      Map<String, PickleObject> tensors,
      Set<String> unknown) {

    /**
     * {@return the full name of one of its tensors}
     *
     * @param local its local name
     */
    public String tensorName(String local) {
      return path.isEmpty() ? local : path + "." + local;
    }
  }

  /**
   * Reads the modules of a program.
   *
   * @param modules the modules
   * @param label the archive, for messages
   * @throws ModelFormatException if the modules do not match their classes, or have tensors without
   *     names
   */
  static StateDict of(Modules modules, String label) {
    Reading reading = new Reading(modules, label);
    modules.visits().forEach(reading::visit);
    return new StateDict(reading.nodes, reading.leftOut);
  }

  private static final class Reading {

    private final Modules modules;
    private final String label;
    private final List<Node> nodes = new ArrayList<>();
    private final List<String> leftOut = new ArrayList<>();

    Reading(Modules modules, String label) {
      this.modules = modules;
      this.label = label;
    }

    void visit(Modules.Visit at) {
      ClassDef type = at.module().type();
      PickleObject object = at.module().object();
      Optional<LayerKind> kind = kind(type.qualified());
      Node node = new Node(at.path(), kind, new LinkedHashMap<>(), unknown(at.path(), kind, type));
      nodes.add(node);
      if (!(object.state().orElse(None.INSTANCE) instanceof PickleDict attributes)) {
        refuseHiddenTensors(at);
        return;
      }
      Set<String> wanted = type.stateNames();
      for (PickleDict.Item item : attributes.items()) {
        String name = item.key() instanceof Text text ? text.value() : item.key().kind();
        attribute(node, name, item.value(), wanted.remove(name));
      }
      if (!wanted.isEmpty()) {
        throw shape(
            "module " + quote(at.path()),
            "its class "
                + quote(type.qualified())
                + " has "
                + wanted.stream().limit(MOST_SHOWN).toList()
                + (wanted.size() > MOST_SHOWN
                    ? " and " + (wanted.size() - MOST_SHOWN) + " more"
                    : "")
                + ", the pickle does not");
      }
    }

    /** By the names of parameters, the layers of state dicts are known. */
    private static Set<String> unknown(String path, Optional<LayerKind> kind, ClassDef type) {
      Set<String> names = type.parameterNames();
      if (kind.filter(LayerKind.NAMED::contains).isPresent()
          || !Collections.disjoint(names, TELLING)
          || List.of(path.split("\\.", -1)).contains("parametrizations")) {
        return Set.of();
      }
      names.removeIf(
          name ->
              TOLD.contains(name)
                  || (path.isEmpty() && name.endsWith("_" + WEIGHT))
                  || name.endsWith(ORIGINAL));
      return names;
    }

    /** The class in Python; TorchScript puts all classes below a package of its own. */
    private static Optional<LayerKind> kind(String qualified) {
      return qualified.startsWith(TORCH)
          ? ModuleClasses.kind(qualified.substring(TORCH.length()))
          : Optional.empty();
    }

    private void attribute(Node node, String name, PickleValue value, boolean listed) {
      String full = node.tensorName(name);
      if (value instanceof PickleObject object) {
        if (TorchGlobals.isTensor(object.callee())) {
          if (listed) {
            node.tensors().put(name, object);
          } else {
            leftOut.add(full);
          }
          return;
        }
        if (modules.classOf(object).isPresent()) {
          return;
        }
        if (isPacked(object)) {
          throw new ModelFormatException(
              Reason.UNSUPPORTED_TENSOR,
              label,
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
    }

    private static boolean isPacked(PickleObject object) {
      return object.callee().path().startsWith("__torch__.torch.classes.")
          && !PickleWalk.persistentIds(object).isEmpty();
    }

    private void refuseHiddenTensors(Modules.Visit at) {
      if (!PickleWalk.persistentIds(at.module().object()).isEmpty()) {
        throw new ModelFormatException(
            Reason.UNSUPPORTED_TENSOR,
            label,
            "module " + quote(at.path()),
            "its class "
                + quote(at.module().type().qualified())
                + " keeps tensors in a state of its own making (__getstate__), where they have no"
                + " names. Save the module before it was packed or quantized.");
      }
    }

    private ModelFormatException shape(String where, String detail) {
      return new ModelFormatException(
          Reason.PICKLE_SHAPE,
          label,
          where,
          detail + ". The archive is damaged or was altered; save it again.");
    }
  }
}
