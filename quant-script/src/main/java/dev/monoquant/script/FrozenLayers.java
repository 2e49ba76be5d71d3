package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the layers of a frozen archive, which has no modules. A constant that is an argument of
 * {@code torch.linear} or a similar function is the weight of a layer, which has the name of the
 * constant in the code, {@code CONSTANTS.c3}; a recurrent layer has the name of its first weight.
 * If a constant is used in several ways, the first one decides.
 */
final class FrozenLayers {

  private static final String TORCH = "torch.";

  /** The most layers of a recurrent layer. */
  private static final int MOST_LAYERS = 9_999;

  private static final Map<String, LayerKind> RECURRENT =
      Map.of(
          "lstm",
          LayerKind.LSTM,
          "gru",
          LayerKind.GRU,
          "rnn_tanh",
          LayerKind.RNN,
          "rnn_relu",
          LayerKind.RNN);

  /** One step of a recurrent layer: {@code lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh)}. */
  private static final Map<String, LayerKind> CELLS =
      Map.of(
          "lstm_cell",
          LayerKind.LSTM_CELL,
          "gru_cell",
          LayerKind.GRU_CELL,
          "rnn_tanh_cell",
          LayerKind.RNN_CELL,
          "rnn_relu_cell",
          LayerKind.RNN_CELL);

  private static final List<String> CELL_PARAMS =
      List.of("weight_ih", "weight_hh", "bias_ih", "bias_hh");

  /**
   * The positions of the tensors in the arguments of an operation.
   *
   * @param kind the kind of layer
   * @param weight the index of the argument that is the weight
   * @param bias the index of the argument that is the bias; -1 for none
   */
  private record Use(LayerKind kind, int weight, int bias) {}

  private static final Map<String, Use> USES =
      Map.ofEntries(
          Map.entry("linear", new Use(LayerKind.LINEAR, 1, 2)),
          Map.entry("addmm", new Use(LayerKind.CONV1D_TRANSPOSED, 2, 0)),
          Map.entry("conv1d", new Use(LayerKind.CONV1D, 1, 2)),
          Map.entry("conv2d", new Use(LayerKind.CONV2D, 1, 2)),
          Map.entry("conv3d", new Use(LayerKind.CONV3D, 1, 2)),
          Map.entry("conv_transpose1d", new Use(LayerKind.CONV_TRANSPOSE1D, 1, 2)),
          Map.entry("conv_transpose2d", new Use(LayerKind.CONV_TRANSPOSE2D, 1, 2)),
          Map.entry("conv_transpose3d", new Use(LayerKind.CONV_TRANSPOSE3D, 1, 2)),
          Map.entry("embedding", new Use(LayerKind.EMBEDDING, 0, -1)),
          Map.entry("layer_norm", new Use(LayerKind.NORM, 2, 3)),
          Map.entry("group_norm", new Use(LayerKind.NORM, 2, 3)),
          Map.entry("batch_norm", new Use(LayerKind.NORM, 1, 2)));

  private static final List<LayerKind> CONVOLUTIONS =
      List.of(LayerKind.CONV1D, LayerKind.CONV2D, LayerKind.CONV3D);
  private static final List<LayerKind> TRANSPOSED =
      List.of(LayerKind.CONV_TRANSPOSE1D, LayerKind.CONV_TRANSPOSE2D, LayerKind.CONV_TRANSPOSE3D);

  private final Map<String, TensorInfo> constants = new LinkedHashMap<>();

  /** Names of lists of constants in a function, such as the weights of a recurrent layer. */
  private final Map<String, List<String>> lists = new HashMap<>();

  private final Set<String> taken = new HashSet<>();
  private final List<Layer> layers = new ArrayList<>();

  private FrozenLayers(Collection<TensorInfo> constants) {
    constants.forEach(t -> this.constants.put(t.name(), t));
  }

  /**
   * Finds the layers.
   *
   * @param definitions the source; statements that cannot be parsed produce no layers
   * @param constants the constants that are tensors
   * @return the layers in the order of the code
   */
  static List<Layer> of(Definitions definitions, Collection<TensorInfo> constants) {
    FrozenLayers found = new FrozenLayers(constants);
    for (SourceFile file : definitions.files()) {
      Stream<Function> methods =
          file.classes().values().stream().flatMap(c -> c.methods().values().stream());
      Stream.concat(methods, file.functions().values().stream())
          .sorted(Comparator.comparingInt(Function::start))
          .forEach(found::function);
    }
    return found.layers;
  }

  private void function(Function function) {
    lists.clear();
    function.read(
        statement -> {
          statement.values().forEach(this::expression);
          statement.alias().ifPresent(name -> list(name, statement.values().get(0)));
        });
  }

  /**
   * Records {@code weights = [CONSTANTS.c0, CONSTANTS.c1]}, and removes any earlier list of that
   * name.
   */
  private void list(String name, Expr value) {
    lists.remove(name);
    constants(value).ifPresent(items -> lists.put(name, items));
  }

  /** Returns the constants in a list; empty if the list contains anything else. */
  private static Optional<List<String>> constants(Expr value) {
    if (!(value instanceof Expr.Display list) || list.open() != '[') {
      return Optional.empty();
    }
    List<String> names = new ArrayList<>();
    for (Expr item : list.items()) {
      Optional<String> name = item.dotted().filter(n -> n.startsWith(Slot.CONSTANT_PREFIX));
      if (name.isEmpty()) {
        return Optional.empty();
      }
      names.add(name.get());
    }
    return Optional.of(names);
  }

  /** Visits inner calls first, because they are executed first. */
  private void expression(Expr expr) {
    expr.children().forEach(this::expression);
    if (expr instanceof Expr.Call call) {
      call.callee()
          .dotted()
          .filter(n -> n.startsWith(TORCH))
          .ifPresent(n -> call(n.substring(TORCH.length()), call));
    }
  }

  /**
   * Adds a recurrent layer: {@code lstm(input, hx, weights, has biases, layers, dropout, train,
   * bidirectional, ...)}. Its weights have the order and the names of {@code torch.nn}.
   */
  private void recurrent(LayerKind kind, Expr.Call call) {
    List<String> weights =
        call.positional(2)
            .flatMap(l -> l instanceof Expr.Name name ? list(name) : constants(l))
            .orElse(List.of());
    OptionalInt count =
        call.positional(4)
            .map(c -> c instanceof Expr.Numeral number ? number.integer() : OptionalInt.empty())
            .orElse(OptionalInt.empty());
    if (weights.isEmpty()
        || call.positional(7).isEmpty()
        || count.isEmpty()
        || count.getAsInt() > MOST_LAYERS) {
      return;
    }
    List<String> params =
        isTrue(call, 3)
            ? List.of("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")
            : List.of("weight_ih_l", "weight_hh_l");
    int directions = isTrue(call, 7) ? 2 : 1;
    int groups = count.getAsInt() * directions;
    if (weights.size() != groups * params.size() || !constants.keySet().containsAll(weights)) {
      return; // A projection, or a list that contains other tensors too.
    }
    Map<String, TensorInfo> own = new LinkedHashMap<>();
    for (int i = 0; i < weights.size(); i++) {
      int group = i / params.size();
      String suffix = group / directions + (group % directions == 1 ? "_reverse" : "");
      if (taken.add(weights.get(i))) {
        own.put(
            params.get(i % params.size()) + suffix, requireNonNull(constants.get(weights.get(i))));
      }
    }
    if (own.size() == weights.size()) {
      layers.add(new Layer(weights.get(0), kind, Layer.Evidence.DECLARED, own));
    }
  }

  private void cell(LayerKind kind, Expr.Call call) {
    Map<String, TensorInfo> own = new LinkedHashMap<>();
    for (int i = 0; i < CELL_PARAMS.size(); i++) {
      String param = CELL_PARAMS.get(i);
      constant(call, i + 2)
          .filter(tensor -> taken.add(tensor.name()))
          .ifPresent(tensor -> own.put(param, tensor));
    }
    if (own.containsKey(CELL_PARAMS.get(0))) {
      String name = requireNonNull(own.get(CELL_PARAMS.get(0))).name();
      layers.add(new Layer(name, kind, Layer.Evidence.DECLARED, own));
    }
  }

  private Optional<List<String>> list(Expr.Name name) {
    return Optional.ofNullable(lists.get(name.name()));
  }

  private static boolean isTrue(Expr.Call call, int argument) {
    return call.positional(argument)
        .filter(e -> e instanceof Expr.Name name && name.name().equals("True"))
        .isPresent();
  }

  private void call(String name, Expr.Call call) {
    if (RECURRENT.containsKey(name)) {
      recurrent(RECURRENT.getOrDefault(name, LayerKind.UNKNOWN), call);
      return;
    }
    if (CELLS.containsKey(name)) {
      cell(CELLS.getOrDefault(name, LayerKind.UNKNOWN), call);
      return;
    }
    Optional<Use> use = use(name, call);
    if (use.isEmpty()) {
      return;
    }
    Optional<TensorInfo> weight = constant(call, use.get().weight());
    if (weight.isEmpty() || !taken.add(weight.get().name())) {
      return;
    }
    Map<String, TensorInfo> own = new LinkedHashMap<>(Map.of("weight", weight.get()));
    constant(call, use.get().bias())
        .filter(bias -> taken.add(bias.name()))
        .ifPresent(bias -> own.put("bias", bias));
    layers.add(new Layer(weight.get().name(), use.get().kind(), Layer.Evidence.DECLARED, own));
  }

  private Optional<Use> use(String name, Expr.Call call) {
    if (!name.equals("_convolution")) {
      return Optional.ofNullable(USES.get(name));
    }
    int dims = constant(call, 1).map(w -> w.shape().rank() - 2).orElse(0);
    if (dims < 1 || dims > CONVOLUTIONS.size() || call.arguments().size() < 7) {
      return Optional.empty();
    }
    return Optional.of(new Use((isTrue(call, 6) ? TRANSPOSED : CONVOLUTIONS).get(dims - 1), 1, 2));
  }

  private Optional<TensorInfo> constant(Expr.Call call, int argument) {
    return (argument < 0 ? Optional.<Expr>empty() : call.positional(argument))
        .flatMap(Expr::dotted)
        .map(constants::get);
  }
}
