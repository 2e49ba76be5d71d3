package dev.monoquant.schemes.layers;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    List<WeightMatrix> weights = new ArrayList<>(1);
    for (Map.Entry<String, TensorInfo> tensor : layer.tensors().entrySet()) {
      for (WeightRule rule : rules) {
        if (rule.takes(layer.kind(), tensor.getKey(), tensor.getValue())) {
          weights.add(rule.weights(layer, tensor.getKey(), tensor.getValue()));
          break;
        }
      }
    }
    return weights;
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
