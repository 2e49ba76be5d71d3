package dev.monoquant.schemes.layers;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One kind of weight of one kind of layer.
 *
 * @param kind the kind of layer
 * @param name matches the whole local name of the tensor
 * @param rank its number of dimensions
 * @param rowAxis the axis of its outputs
 */
record WeightRule(LayerKind kind, Pattern name, int rank, int rowAxis) {

  static WeightRule of(LayerKind kind, String name, int rank, int rowAxis) {
    return new WeightRule(kind, Pattern.compile(name), rank, rowAxis);
  }

  /** The tensors of a layer that match one of the rules, in the order of the layer. */
  static List<WeightMatrix> weights(Layer layer, List<WeightRule> rules) {
    return layer.tensors().entrySet().stream()
        .flatMap(
            entry ->
                rules.stream()
                    .filter(rule -> rule.takes(layer.kind(), entry.getKey(), entry.getValue()))
                    .limit(1)
                    .map(rule -> rule.weights(layer, entry.getKey(), entry.getValue())))
        .toList();
  }

  private boolean takes(LayerKind layer, String local, TensorInfo tensor) {
    return layer.equals(kind)
        && name.matcher(local).matches()
        && tensor.shape().rank() == rank
        && tensor.shape().elements() > 0
        && tensor.type().isQuantizable();
  }

  private WeightMatrix weights(Layer layer, String local, TensorInfo tensor) {
    return new WeightMatrix(layer.name(), layer.kind(), local, tensor, rowAxis);
  }
}
