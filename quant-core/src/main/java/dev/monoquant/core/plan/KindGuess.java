package dev.monoquant.core.plan;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Guesses the kind of a layer of a state dict from the names and shapes of its tensors and from its
 * neighbours.
 *
 * <p>Two cases are ambiguous: a square Linear and a square GPT-2 Conv1D (the names of the
 * neighbours decide), and a convolution and a transposed one whose bias fits both (names decide,
 * and a plain convolution is the default). A wrong guess never corrupts a model, because codes
 * decode to the same tensor whatever axis the scales follow; it costs accuracy. A layer map
 * overrides the guess.
 */
final class KindGuess {

  private static final Pattern NORM =
      Pattern.compile(
          ".*(norm|layernorm|rmsnorm|batchnorm)\\d*|ln|ln_.*|ln\\d+|bn|bn\\d+|.*_ln|.*_bn");
  private static final Pattern TRANSPOSED_CONV =
      Pattern.compile(".*(deconv|convtranspose|conv_transpose|transposed|upconv|up_conv).*");
  private static final Pattern GPT2 = Pattern.compile("c_attn|c_fc|c_proj|q_attn");

  private static final Pattern EXPERTS = Pattern.compile("(?:(.*?)\\.)?experts(?:\\..*)?");
  private static final Pattern ROUTER =
      Pattern.compile("(?:(.*)\\.)?(gate|router|shared_expert_gate)(?:\\..*)?");

  private final boolean gpt2;
  private final TableGuess tables;

  /** The names of the modules that contain experts. */
  private final Set<String> mixtures;

  /**
   * @param groups the tensors of each layer, local name first, by the name of the layer
   * @param tables distinguishes tables from Linears
   */
  KindGuess(Map<String, Map<String, TensorInfo>> groups, TableGuess tables) {
    this.tables = tables;
    // c_fc of GPT-2 is (width, 4 width) with a bias of 4 width: no Linear has such shapes.
    this.gpt2 =
        groups.entrySet().stream()
            .anyMatch(e -> GPT2.matcher(last(e.getKey())).matches() && inputsFirst(e.getValue()));
    this.mixtures =
        groups.keySet().stream()
            .filter(layer -> layer.contains("experts"))
            .map(EXPERTS::matcher)
            .filter(Matcher::matches)
            .map(m -> Objects.toString(m.group(1), ""))
            .collect(Collectors.toSet());
  }

  LayerKind kind(String layer, Map<String, TensorInfo> tensors) {
    if (tensors.containsKey("weight_ih_l0") && tensors.containsKey("weight_hh_l0")) {
      return recurrent(tensors);
    }
    if (tensors.containsKey("in_proj_weight")) {
      return LayerKind.MULTIHEAD_ATTENTION;
    }
    if (tensors.containsKey("running_mean")
        || tensors.containsKey("runningMean")
        || tensors.containsKey("gamma")) {
      return LayerKind.NORM;
    }
    TensorInfo embedding = tensors.get("embedding");
    if (embedding != null && embedding.shape().rank() == 2) {
      return LayerKind.EMBEDDING;
    }
    TensorInfo weight = tensors.get("weight");
    if (weight == null) {
      return LayerKind.UNKNOWN;
    }
    String last = last(layer);
    boolean bias = tensors.containsKey("bias");
    return switch (weight.shape().rank()) {
      case 1 -> bias || NORM.matcher(last).matches() ? LayerKind.NORM : LayerKind.UNKNOWN;
      case 2 -> isRouter(layer) ? LayerKind.ROUTER : matrix(layer, weight, bias);
      case 3 -> convolution(layer, tensors, LayerKind.CONV1D, LayerKind.CONV_TRANSPOSE1D);
      case 4 -> convolution(layer, tensors, LayerKind.CONV2D, LayerKind.CONV_TRANSPOSE2D);
      case 5 -> convolution(layer, tensors, LayerKind.CONV3D, LayerKind.CONV_TRANSPOSE3D);
      default -> LayerKind.UNKNOWN;
    };
  }

  private LayerKind matrix(String layer, TensorInfo weight, boolean bias) {
    if (gpt2 && GPT2.matcher(last(layer)).matches()) {
      return LayerKind.CONV1D_TRANSPOSED;
    }
    return tables.why(layer, weight, bias).isPresent() ? LayerKind.EMBEDDING : LayerKind.LINEAR;
  }

  /** The name "gate" is ambiguous, but a gate next to experts is their router. */
  private boolean isRouter(String layer) {
    if (!layer.contains("gate") && !layer.contains("router")) {
      return false;
    }
    Matcher name = ROUTER.matcher(layer);
    return name.matches()
        && (name.group(2).equals("router")
            || mixtures.contains(Objects.toString(name.group(1), "")));
  }

  private static LayerKind convolution(
      String layer, Map<String, TensorInfo> tensors, LayerKind plain, LayerKind transposed) {
    boolean named = TRANSPOSED_CONV.matcher(layer.toLowerCase(Locale.ROOT)).matches();
    return named || inputsFirst(tensors) ? transposed : plain;
  }

  /** Whether the length of the bias fits the second axis and not the first. */
  private static boolean inputsFirst(Map<String, TensorInfo> tensors) {
    TensorInfo weight = tensors.get("weight");
    TensorInfo bias = tensors.get("bias");
    if (weight == null || bias == null || weight.shape().rank() < 2) {
      return false;
    }
    long outputs = bias.shape().elements();
    TensorShape shape = weight.shape();
    return outputs == shape.dim(1) && outputs != shape.dim(0);
  }

  /** Gates per hidden unit: 4 in an LSTM, 3 in a GRU, 1 in a plain recurrent layer. */
  private static LayerKind recurrent(Map<String, TensorInfo> tensors) {
    TensorShape hidden = requireNonNull(tensors.get("weight_hh_l0")).shape();
    if (hidden.rank() != 2 || hidden.dim(1) == 0) {
      return LayerKind.UNKNOWN;
    }
    // With proj_size an LSTM's weight_hh is (4 hidden, projection); only an LSTM has weight_hr.
    if (tensors.containsKey("weight_hr_l0")) {
      return LayerKind.LSTM;
    }
    return switch ((int) Math.min(8, hidden.dim(0) / hidden.dim(1))) {
      case 4 -> LayerKind.LSTM;
      case 3 -> LayerKind.GRU;
      case 1 -> LayerKind.RNN;
      default -> LayerKind.UNKNOWN;
    };
  }

  private static String last(String layer) {
    return layer.substring(layer.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }
}
