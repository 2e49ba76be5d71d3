package dev.monoquant.core.plan;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.Selector;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the layers of a model: those it declares, those the user names, and for the rest a guess
 * from names and shapes by {@link KindGuess}. The order is that of the tensors.
 */
public final class LayerInference {

  private LayerInference() {}

  /**
   * {@return the layers, in the order of the tensors}
   *
   * @param tensors the tensors; quantized weights appear as float tensors
   * @param info the model of the tensors: the layers it declares, and its config.json
   * @param config the configuration of the user, with its layer map
   */
  public static List<Layer> layers(
      List<TensorInfo> tensors, ModelInfo info, QuantizationConfig config) {
    List<Layer> declared = info.layers();
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
          // fc.weight and fc_weight: parameters of the root keep their whole name, which is unique.
          groups.computeIfAbsent("", k -> new LinkedHashMap<>()).put(tensor.name(), tensor);
        }
      }
    }
    KindGuess guess = new KindGuess(groups, TableGuess.of(info));
    Map<Selector, LayerKind> map = new LinkedHashMap<>();
    config.layerMap().forEach((pattern, kind) -> map.put(Selector.parse(pattern), kind));
    List<Layer> layers = new ArrayList<>();
    declared.forEach(layer -> layers.addAll(told(layer, map)));
    groups.forEach(
        (name, group) -> {
          LayerKind kind = guess.kind(name, group);
          layers.addAll(told(new Layer(name, kind, Layer.Evidence.INFERRED, group), map));
        });
    return declared.isEmpty() ? layers : inModelOrder(layers, tensors);
  }

  /**
   * A layer corrected by the layer map. If a layer has no {@code weight}, such as the root or a
   * list of parameters, each parameter named in the map becomes a layer of its own, with the
   * parameter as its weight.
   */
  private static List<Layer> told(Layer layer, Map<Selector, LayerKind> map) {
    Layer bare = new Layer(layer.name(), layer.kind(), layer.evidence(), Map.of());
    if (layer.tensor("weight").isPresent() || given(bare, map).isPresent()) {
      return List.of(given(layer, map).orElse(layer));
    }
    List<Layer> layers = new ArrayList<>();
    Map<String, TensorInfo> rest = new LinkedHashMap<>();
    layer
        .tensors()
        .forEach(
            (local, tensor) -> {
              Layer own =
                  new Layer(
                      tensor.name(), layer.kind(), layer.evidence(), Map.of("weight", tensor));
              given(own, map).ifPresentOrElse(layers::add, () -> rest.put(local, tensor));
            });
    if (!rest.isEmpty() || layers.isEmpty()) {
      layers.add(0, new Layer(layer.name(), layer.kind(), layer.evidence(), rest));
    }
    return layers;
  }

  /** The layer as the user's layer map declares it; the map overrides declarations and guesses. */
  private static Optional<Layer> given(Layer layer, Map<Selector, LayerKind> map) {
    for (Map.Entry<Selector, LayerKind> entry : map.entrySet()) {
      if (entry.getKey().matches(layer)) {
        return Optional.of(
            new Layer(layer.name(), entry.getValue(), Layer.Evidence.CONFIGURED, layer.tensors()));
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
