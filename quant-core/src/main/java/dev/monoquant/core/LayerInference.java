package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.Selector;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the layers of a model: those it declares, those the user names, and for the rest a guess
 * from names and shapes by {@link KindGuess}. Order is that of the tensors.
 */
final class LayerInference {

  private LayerInference() {}

  static List<Layer> layers(
      List<TensorInfo> tensors, List<Layer> declared, QuantizationConfig config) {
    Set<String> covered = new LinkedHashSet<>();
    declared.forEach(l -> l.tensors().values().forEach(t -> covered.add(t.name())));

    Map<String, Map<String, TensorInfo>> groups = new LinkedHashMap<>();
    for (TensorInfo tensor : tensors) {
      if (!covered.contains(tensor.name())) {
        TensorName name = TensorName.of(tensor.name());
        TensorInfo other =
            groups
                .computeIfAbsent(name.layer(), k -> new LinkedHashMap<>())
                .putIfAbsent(name.param(), tensor);
        if (other != null) {
          // fc.weight and fc_weight: parameters of the root bear their whole name, which is unique.
          groups.computeIfAbsent("", k -> new LinkedHashMap<>()).put(tensor.name(), tensor);
        }
      }
    }
    KindGuess guess = new KindGuess(groups);
    List<Layer> layers = new ArrayList<>();
    declared.forEach(layer -> layers.addAll(resolved(layer, config)));
    groups.forEach(
        (name, group) -> {
          Layer inferred = new Layer(name, guess.kind(name, group), Layer.Evidence.INFERRED, group);
          layers.addAll(resolved(inferred, config));
        });
    return declared.isEmpty() ? layers : inModelOrder(layers, tensors);
  }

  /**
   * What the user's layer map says of a layer; it wins over declarations and guesses. Tensors that
   * it names, and not their layer, become layers of their own if they can be.
   */
  private static List<Layer> resolved(Layer layer, QuantizationConfig config) {
    List<Layer> all = new ArrayList<>();
    Map<String, TensorInfo> rest = new LinkedHashMap<>(layer.tensors());
    if (layer.name().isEmpty() || given(layer.name(), config).isEmpty()) {
      layer
          .tensors()
          .forEach(
              (param, tensor) -> {
                Optional<LayerKind> kind =
                    mayStandAlone(param, tensor) ? given(tensor.name(), config) : Optional.empty();
                if (kind.isPresent()) {
                  rest.remove(param);
                  Map<String, TensorInfo> own = Map.of("weight", tensor);
                  all.add(new Layer(tensor.name(), kind.get(), Layer.Evidence.GIVEN, own));
                }
              });
    }
    if (!rest.isEmpty() || all.isEmpty()) {
      Layer left = new Layer(layer.name(), layer.kind(), layer.evidence(), rest);
      all.add(given(left, config).orElse(left));
    }
    return all;
  }

  /**
   * {@return whether a tensor can be the weight of a layer of its own: a matrix or more, whose name
   * is not that of a weight beside others}
   *
   * @param param its name in its layer
   */
  static boolean mayStandAlone(String param, TensorInfo tensor) {
    return tensor.type().isQuantizable()
        && tensor.shape().rank() > 1
        && !param.contains("weight")
        && !param.contains("bias");
  }

  private static Optional<LayerKind> given(String name, QuantizationConfig config) {
    return given(new Layer(name, LayerKind.UNKNOWN, Layer.Evidence.INFERRED, Map.of()), config)
        .map(Layer::kind);
  }

  private static Optional<Layer> given(Layer layer, QuantizationConfig config) {
    for (Map.Entry<String, LayerKind> entry : config.layerMap().entrySet()) {
      if (Selector.parse(entry.getKey()).matches(layer)) {
        return Optional.of(
            new Layer(layer.name(), entry.getValue(), Layer.Evidence.GIVEN, layer.tensors()));
      }
    }
    return Optional.empty();
  }

  private static List<Layer> inModelOrder(List<Layer> layers, List<TensorInfo> tensors) {
    Map<String, Layer> byTensor = new LinkedHashMap<>();
    layers.forEach(l -> l.tensors().values().forEach(t -> byTensor.put(t.name(), l)));
    Set<Layer> ordered = new LinkedHashSet<>();
    tensors.forEach(t -> Optional.ofNullable(byTensor.get(t.name())).ifPresent(ordered::add));
    ordered.addAll(layers);
    return new ArrayList<>(ordered);
  }
}
