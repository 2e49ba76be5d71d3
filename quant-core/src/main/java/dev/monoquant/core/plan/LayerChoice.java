package dev.monoquant.core.plan;

import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Asks the layer quantizers which tensors of a layer are weights, and checks their answers. */
final class LayerChoice {

  private static final Pattern PARAMETRIZATION =
      Pattern.compile(
          "(^|\\.)parametrizations\\.|(^|[._])weight(_[a-z0-9]{1,20}){0,4}_(g|v|u|orig|mask)$");

  private static final Pattern OPTIMIZER =
      Pattern.compile("(^|[./])(exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer|square_avg)$");

  /** A weight and the quantizer that named it. */
  record Candidate(WeightMatrix rows, LayerQuantizer quantizer) {}

  /** The weights of a layer, and the problems with the answers. */
  record Chosen(List<Candidate> candidates, List<Problem> problems) {}

  /**
   * A quantizer that is asked.
   *
   * @param values its complete options by those that are given: most layers have the same
   */
  private record Asked(
      LayerQuantizer quantizer, OwnOptions own, Map<Map<String, String>, OptionValues> values) {

    OptionValues values(Map<String, String> given) {
      return values.computeIfAbsent(given, own::values);
    }
  }

  private final List<Asked> quantizers;

  LayerChoice(List<LayerQuantizer> quantizers) {
    this.quantizers =
        quantizers.stream().map(q -> new Asked(q, OwnOptions.of(q), new HashMap<>())).toList();
  }

  /** The quantizers' own options; every quantizer is asked about each layer. */
  List<OwnOptions> own() {
    return quantizers.stream().map(Asked::own).toList();
  }

  /**
   * Asks every quantizer about a layer.
   *
   * @param given plugin options that apply to the layer
   */
  Chosen weights(Layer layer, Map<String, String> given) {
    Map<String, Candidate> chosen = new LinkedHashMap<>();
    List<Problem> problems = new ArrayList<>();
    for (Asked asked : quantizers) {
      LayerQuantizer quantizer = asked.quantizer();
      for (WeightMatrix rows : ask(quantizer, layer, asked.values(given))) {
        Candidate other = chosen.putIfAbsent(rows.param(), new Candidate(rows, quantizer));
        if (other != null) {
          problems.add(
              Problem.error(
                  rows.tensor().name(),
                  "two layer quantizers claim it: "
                      + other.quantizer().id()
                      + " and "
                      + quantizer.id(),
                  "Remove the plugin of one of them"));
        }
      }
    }
    return new Chosen(new ArrayList<>(chosen.values()), problems);
  }

  private static List<WeightMatrix> ask(
      LayerQuantizer quantizer, Layer layer, OptionValues options) {
    List<WeightMatrix> answer;
    try {
      answer = List.copyOf(quantizer.weights(layer, options));
    } catch (RuntimeException e) {
      throw new PluginException(
          "layer quantizer " + quantizer.id() + " failed on layer " + layer.name() + ": " + e, e);
    }
    for (WeightMatrix rows : answer) {
      TensorInfo own = layer.tensors().get(rows.param());
      if (own == null || !rows.tensor().equals(own)) {
        throw new PluginException(
            "layer quantizer "
                + quantizer.id()
                + " named "
                + rows.tensor().name()
                + ", which is not "
                + rows.param()
                + " of layer "
                + layer.name());
      }
      if (!own.type().isQuantizable() || own.shape().elements() == 0) {
        throw new PluginException(
            "layer quantizer "
                + quantizer.id()
                + " named "
                + own.name()
                + " of type "
                + own.type().wire()
                + " and shape "
                + own.shape()
                + "; weights are F16, BF16, F32 or F64 and not empty");
      }
    }
    return answer;
  }

  /** Why a tensor is not a weight of its layer, as text. */
  String whyNot(Layer layer, TensorInfo tensor) {
    if (!tensor.type().isQuantizable()) {
      return "type " + tensor.type().wire() + " is not one that is quantized";
    }
    if (tensor.shape().elements() == 0) {
      return "empty";
    }
    if (layer.kind().equals(LayerKind.NORM)) {
      return "belongs to a normalisation layer";
    }
    if (layer.kind().equals(LayerKind.ROUTER)) {
      return "chooses among experts, which loaders expect in float; --layer NAME=Linear overrules";
    }
    if (tensor.name().isEmpty()) {
      return "without a name, by which its layer could be told; save it under one, such as"
          + " {\"fc.weight\": tensor}";
    }
    if (PARAMETRIZATION.matcher(tensor.name()).find()) {
      return "a part of what makes a weight, as weight_norm or another parametrization does";
    }
    if (OPTIMIZER.matcher(tensor.name()).find()) {
      return "state of an optimizer";
    }
    String why =
        layer.kind().equals(LayerKind.UNKNOWN)
            ? "of no known layer"
            : "no weight of its layer, of kind " + layer.kind();
    return tensor.shape().rank() == 2 && !tensor.name().endsWith("bias")
        ? why + "; if it is a weight, say so: --layer NAME=Linear"
        : why;
  }
}
