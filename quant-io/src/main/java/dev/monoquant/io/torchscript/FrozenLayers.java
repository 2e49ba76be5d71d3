package dev.monoquant.io.torchscript;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.ScriptProgram;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The layers of a frozen archive, which has no modules: a constant that is an argument of {@code
 * torch.linear} and the like is the weight of a layer, named as the code names it, {@code
 * CONSTANTS.c3}; a recurrent layer is named as its first weight. Where a constant is used in
 * several ways the first one counts.
 */
final class FrozenLayers {

  private static final String CONSTANT = "CONSTANTS.c";
  private static final String LIST = " = [";

  /** Of the number of a constant. */
  private static final int MOST_DIGITS = 9;

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

  /**
   * Where an operation has its tensors.
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
  private final Map<String, List<String>> lists = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final List<Layer> layers = new ArrayList<>();

  private FrozenLayers(Collection<TensorInfo> constants) {
    constants.forEach(t -> this.constants.put(t.name(), t));
  }

  /** {@return the name of a constant, as the code has it} */
  static String name(int index) {
    return CONSTANT + index;
  }

  /**
   * Finds the layers.
   *
   * @param program the program
   * @param constants the tensors among its constants
   * @return the layers in the order of the code
   */
  static List<Layer> of(ScriptProgram program, Collection<TensorInfo> constants) {
    if (constants.isEmpty()) {
      // As in all archives but frozen ones, whose code need not be gone through then.
      return List.of();
    }
    FrozenLayers found = new FrozenLayers(constants);
    for (String code : program.code().values()) {
      found.findLists(code);
      CallSites.of(code).forEach(found::visit);
    }
    return found.layers;
  }

  private void findLists(String code) {
    lists.clear();
    code.lines().map(String::strip).forEach(this::findList);
  }

  /**
   * The weights of a recurrent layer are a list that the line before made: {@code weights =
   * [CONSTANTS.c0, CONSTANTS.c1]}. Read in one pass: there are thousands in a deep layer, for each
   * of which a regular expression would need a frame of the stack.
   */
  private void findList(String line) {
    int equals = line.indexOf(LIST);
    boolean named =
        equals > 0
            && line.chars()
                .limit(equals)
                .allMatch(c -> c < 128 && Character.isJavaIdentifierPart(c));
    if (!named || !line.endsWith("]")) {
      return;
    }
    List<String> names = new ArrayList<>();
    int end = line.length() - 1;
    for (int at = equals + LIST.length(); at <= end; ) {
      int comma = line.indexOf(", ", at);
      int stop = comma < 0 ? end : comma;
      String name = line.substring(at, stop);
      if (index(name).isEmpty()) {
        return;
      }
      names.add(name);
      at = stop + 2;
    }
    lists.put(line.substring(0, equals), names);
  }

  /** The number of a constant that is named in the code; empty for any other text. */
  private static OptionalInt index(String text) {
    int digits = text.length() - CONSTANT.length();
    if (!text.startsWith(CONSTANT) || digits < 1 || digits > MOST_DIGITS) {
      return OptionalInt.empty();
    }
    int index = 0;
    for (int i = CONSTANT.length(); i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return OptionalInt.empty();
      }
      index = 10 * index + digit;
    }
    return OptionalInt.of(index);
  }

  /**
   * A recurrent layer: {@code lstm(input, hx, weights, has biases, layers, dropout, train,
   * bidirectional, ...)}, its weights in the order and under the names that {@code torch.nn} has.
   */
  private void recurrent(LayerKind kind, List<String> arguments) {
    List<String> weights =
        arguments.size() > 7 ? lists.getOrDefault(arguments.get(2), List.of()) : List.of();
    if (weights.isEmpty() || !arguments.get(4).matches("\\d{1,4}")) {
      return;
    }
    List<String> params =
        arguments.get(3).equals("True")
            ? List.of("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")
            : List.of("weight_ih_l", "weight_hh_l");
    int directions = arguments.get(7).equals("True") ? 2 : 1;
    int groups = Integer.parseInt(arguments.get(4)) * directions;
    if (weights.size() != groups * params.size() || !constants.keySet().containsAll(weights)) {
      return; // A projection, or a list that is of something else too.
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

  private void visit(CallSites.Call call) {
    if (RECURRENT.containsKey(call.name())) {
      recurrent(RECURRENT.getOrDefault(call.name(), LayerKind.UNKNOWN), call.arguments());
      return;
    }
    Optional<Use> use = use(call);
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

  private Optional<Use> use(CallSites.Call call) {
    if (!call.name().equals("_convolution")) {
      return Optional.ofNullable(USES.get(call.name()));
    }
    int dims = constant(call, 1).map(w -> w.shape().rank() - 2).orElse(0);
    if (dims < 1 || dims > CONVOLUTIONS.size() || call.arguments().size() < 7) {
      return Optional.empty();
    }
    boolean transposed = call.arguments().get(6).equals("True");
    return Optional.of(new Use((transposed ? TRANSPOSED : CONVOLUTIONS).get(dims - 1), 1, 2));
  }

  private Optional<TensorInfo> constant(CallSites.Call call, int argument) {
    if (argument < 0 || argument >= call.arguments().size()) {
      return Optional.empty();
    }
    OptionalInt index = index(call.arguments().get(argument));
    return index.isPresent()
        ? Optional.ofNullable(constants.get(name(index.getAsInt())))
        : Optional.empty();
  }
}
