package dev.monoquant.io.exported;

import dev.monoquant.QuantException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModuleNames;
import dev.monoquant.files.torch.ModuleClasses;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The layers of an exported program. Two facts of its graph determine the kind of a layer:
 *
 * <ul>
 *   <li>Each operation has a {@code nn_module_stack}: for each enclosing module its path and class,
 *       as {@code key,path,class;key,path,class}. A path may end with {@code @1}, if the module is
 *       called more than once.
 *   <li>Where the class does not determine the kind, the operations that take the weight decide, if
 *       all of them agree: {@code aten.linear(input, weight)} makes a Linear.
 * </ul>
 *
 * <p>A module that the example inputs did not reach is not in the graph; its kind is inferred like
 * that of a state dict. If the graph has another form, no layer is declared, and a note says so.
 *
 * @param layers the layers that have tensors and a kind, in the order of the tensors
 * @param notes what was not understood
 */
record ExportedGraph(List<Layer> layers, List<String> notes) {

  private static final int MAX_SHOWN = 10;
  private static final String ATEN = "torch.ops.aten.";

  private static final String MODULES = "torch.nn.modules.";

  /** Modules below a layer, such as its parametrizations. */
  private static final String HELPERS = "torch.nn.utils.";

  /** A module with parametrizations has a class that PyTorch makes when it registers them. */
  private static final String PARAMETRIZED = "torch.nn.utils.parametrize.Parametrized";

  /** An operation that takes the weight of a layer as the argument {@code weight}. */
  private static final Map<String, LayerKind> BY_OPERATION =
      Map.ofEntries(
          Map.entry("linear", LayerKind.LINEAR),
          Map.entry("embedding", LayerKind.EMBEDDING),
          Map.entry("conv1d", LayerKind.CONV1D),
          Map.entry("conv2d", LayerKind.CONV2D),
          Map.entry("conv3d", LayerKind.CONV3D),
          Map.entry("conv_transpose1d", LayerKind.CONV_TRANSPOSE1D),
          Map.entry("conv_transpose2d", LayerKind.CONV_TRANSPOSE2D),
          Map.entry("conv_transpose3d", LayerKind.CONV_TRANSPOSE3D),
          Map.entry("layer_norm", LayerKind.NORM),
          Map.entry("group_norm", LayerKind.NORM),
          Map.entry("rms_norm", LayerKind.NORM),
          Map.entry("batch_norm", LayerKind.NORM));

  /**
   * Reads the layers.
   *
   * @param json the content of {@code models/NAME.json}
   * @param tensors the tensors of the state dict
   */
  static ExportedGraph of(JsonValue json, Collection<TensorInfo> tensors) {
    Walk walk = new Walk();
    walk.visit(json);
    return walk.graph(tensors);
  }

  private static final class Walk {

    private final Map<String, Set<String>> classes = new HashMap<>();
    private final Map<String, String> parameters = new HashMap<>();
    private final Map<String, Set<String>> uses = new HashMap<>();
    private final Set<String> dequantizing = new HashSet<>();

    /** Visits all values; nodes may be nested in subgraphs. The parser has bounded the depth. */
    void visit(JsonValue value) {
      if (value instanceof JsonValue.Arr array) {
        array.items().forEach(this::visit);
      } else if (value instanceof JsonValue.Obj object) {
        object.text("nn_module_stack").ifPresent(this::stack);
        parameter(object, "parameter_name");
        parameter(object, "buffer_name");
        object.text("target").ifPresent(target -> operation(target, object));
        object.members().values().forEach(this::visit);
      }
    }

    private void stack(String stack) {
      for (String module : stack.split(";", -1)) {
        int last = module.lastIndexOf(',');
        int first = module.indexOf(',');
        if (first >= 0 && last > first) {
          String path = module.substring(first + 1, last);
          int call = path.lastIndexOf('@');
          classes
              .computeIfAbsent(call < 0 ? path : path.substring(0, call), p -> new HashSet<>())
              .add(module.substring(last + 1));
        }
      }
    }

    /** An input of the graph: {@code {"arg": {"name": "p_fc_weight"}, "parameter_name": ...}}. */
    private void parameter(JsonValue.Obj object, String key) {
      Optional<String> name = object.text(key);
      if (name.isPresent() && object.find("arg").orElse(null) instanceof JsonValue.Obj arg) {
        arg.text("name").ifPresent(input -> parameters.put(input, name.get()));
      }
    }

    private void operation(String target, JsonValue.Obj node) {
      if (target.contains("quantized_decomposed.dequantize") || target.contains("torchao.")) {
        dequantizing.add(target);
      }
      if (!(node.find("inputs").orElse(null) instanceof JsonValue.Arr inputs)) {
        return;
      }
      for (JsonValue item : inputs.items()) {
        if (item instanceof JsonValue.Obj input
            && input.find("arg").orElse(null) instanceof JsonValue.Obj arg
            && arg.find("as_tensor").orElse(null) instanceof JsonValue.Obj tensor) {
          tensor
              .text("name")
              .ifPresent(
                  name ->
                      uses.computeIfAbsent(name, n -> new HashSet<>())
                          .add(target + " " + input.text("name").orElse("")));
        }
      }
    }

    ExportedGraph graph(Collection<TensorInfo> tensors) {
      Map<String, Set<String>> byTensor = new HashMap<>();
      parameters.forEach(
          (input, name) ->
              byTensor
                  .computeIfAbsent(name, n -> new HashSet<>())
                  .addAll(uses.getOrDefault(input, Set.of())));
      List<Layer> layers = new ArrayList<>();
      ModuleNames.byModule(tensors)
          .forEach(
              (path, own) ->
                  kind(path, byTensor)
                      .ifPresent(
                          k -> layers.add(new Layer(path, k, Layer.Evidence.DECLARED, own))));
      return new ExportedGraph(layers, notes());
    }

    private Optional<LayerKind> kind(String path, Map<String, Set<String>> byTensor) {
      Set<Optional<LayerKind>> declared = new HashSet<>();
      classes.getOrDefault(path, Set.of()).forEach(c -> declared.add(byClass(c)));
      if (declared.size() == 1 && declared.iterator().next().isPresent()) {
        return declared.iterator().next();
      }
      Set<Optional<LayerKind>> used = new HashSet<>();
      byTensor
          .getOrDefault(path.isEmpty() ? "weight" : path + ".weight", Set.of())
          .forEach(use -> used.add(byUse(use)));
      return used.size() == 1 ? used.iterator().next() : Optional.empty();
    }

    private static Optional<LayerKind> byClass(String name) {
      String known =
          name.startsWith(PARAMETRIZED) ? MODULES + name.substring(PARAMETRIZED.length()) : name;
      return known.startsWith(HELPERS) ? Optional.empty() : ModuleClasses.kind(known);
    }

    /** The kind by an operation and the name of its argument, such as {@code ...linear weight}. */
    private static Optional<LayerKind> byUse(String use) {
      int space = use.indexOf(' ');
      String target = use.substring(0, space);
      String argument = use.substring(space + 1);
      if (!target.startsWith(ATEN)) {
        return Optional.empty();
      }
      int dot = target.indexOf('.', ATEN.length());
      String operation = target.substring(ATEN.length(), dot < 0 ? target.length() : dot);
      if (operation.equals("addmm") && argument.equals("mat2")) {
        return Optional.of(LayerKind.CONV1D_TRANSPOSED);
      }
      return argument.equals("weight")
          ? Optional.ofNullable(BY_OPERATION.get(operation))
          : Optional.empty();
    }

    private List<String> notes() {
      List<String> notes = new ArrayList<>();
      if (classes.isEmpty()) {
        notes.add(
            "The graph names no classes of modules, so the kinds of layers are inferred from names"
                + " and shapes.");
      }
      if (!dequantizing.isEmpty()) {
        notes.add(
            "The graph dequantizes weights ("
                + String.join(
                    ", ",
                    dequantizing.stream()
                        .sorted()
                        .limit(MAX_SHOWN)
                        .map(QuantException::quote)
                        .toList())
                + "): the model is quantized already. Its codes are read as plain integers.");
      }
      return notes;
    }
  }
}
