package dev.monoquant.testkit.data;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Ordinary and malformed layers. */
public final class LayerSamples {

  /** A kind that no plugin supports. */
  public static final LayerKind FOREIGN = new LayerKind("KindOfNobody");

  private LayerSamples() {}

  /**
   * A layer of float tensors.
   *
   * @param name the module path
   * @param kind the kind of the layer
   * @param type the element type of all its tensors
   * @param shapes shapes by local name, in order
   * @return the layer, with a declared kind
   */
  public static Layer layer(
      String name, LayerKind kind, ElementType type, Map<String, TensorShape> shapes) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    shapes.forEach(
        (local, shape) ->
            tensors.put(
                local, new TensorInfo(name.isEmpty() ? local : name + "." + local, type, shape)));
    return new Layer(name, kind, Layer.Evidence.DECLARED, tensors);
  }

  /** {@return one ordinary layer of each kind of the framework, with its bias} */
  public static List<Layer> ordinary() {
    List<Layer> layers = new ArrayList<>();
    layers.add(weighted(LayerKind.LINEAR, 6, 6, 4));
    layers.add(weighted(LayerKind.CONV1D_TRANSPOSED, 6, 4, 6));
    layers.add(weighted(LayerKind.CONV1D, 6, 6, 4, 3));
    layers.add(weighted(LayerKind.CONV2D, 6, 6, 4, 3, 3));
    layers.add(weighted(LayerKind.CONV3D, 6, 6, 4, 3, 3, 3));
    layers.add(weighted(LayerKind.CONV_TRANSPOSE1D, 6, 4, 6, 3));
    layers.add(weighted(LayerKind.CONV_TRANSPOSE2D, 6, 4, 6, 3, 3));
    layers.add(weighted(LayerKind.CONV_TRANSPOSE3D, 6, 4, 6, 3, 3, 3));
    layers.add(
        layer(
            "embed",
            LayerKind.EMBEDDING,
            ElementType.FLOAT32,
            Map.of("weight", TensorShape.of(10, 4))));
    layers.add(recurrent(LayerKind.LSTM, 4));
    layers.add(recurrent(LayerKind.GRU, 3));
    layers.add(recurrent(LayerKind.RNN, 1));
    layers.add(cell(LayerKind.LSTM_CELL, 4));
    layers.add(cell(LayerKind.GRU_CELL, 3));
    layers.add(cell(LayerKind.RNN_CELL, 1));
    layers.add(attention());
    layers.add(norm());
    layers.add(weighted(LayerKind.UNKNOWN, 6, 6, 4));
    layers.add(weighted(FOREIGN, 6, 6, 4));
    return layers;
  }

  /**
   * Ordinary layers with a defect: element types other than floats, no elements, a weight of rank 0
   * or 1, no weight, no name.
   *
   * @return the layers
   */
  public static List<Layer> odd() {
    List<Layer> layers = new ArrayList<>();
    for (Layer layer : ordinary()) {
      for (ElementType type :
          List.of(ElementType.INT8, ElementType.INT64, ElementType.BOOL, ElementType.FLOAT8_E4M3)) {
        layers.add(layer(layer.name(), layer.kind(), type, shapes(layer)));
      }
      layers.add(emptied(layer));
      layers.add(reshaped(layer, TensorShape.of(0, 4)));
      layers.add(reshaped(layer, TensorShape.of(4, 0)));
      layers.add(reshaped(layer, TensorShape.of(4)));
      layers.add(reshaped(layer, TensorShape.of()));
      layers.add(layer(layer.name(), layer.kind(), ElementType.FLOAT32, Map.of()));
      layers.add(layer("", layer.kind(), ElementType.FLOAT32, shapes(layer)));
    }
    return layers;
  }

  /** The layer without outputs; each tensor keeps its rank. */
  private static Layer emptied(Layer layer) {
    Map<String, TensorShape> shapes = shapes(layer);
    shapes.replaceAll(
        (name, old) -> {
          long[] dims = old.dims().clone();
          dims[0] = 0;
          return TensorShape.of(dims);
        });
    return layer(layer.name(), layer.kind(), ElementType.FLOAT32, shapes);
  }

  private static Layer reshaped(Layer layer, TensorShape shape) {
    Map<String, TensorShape> shapes = shapes(layer);
    shapes.replaceAll((name, old) -> shape);
    return layer(layer.name(), layer.kind(), ElementType.FLOAT32, shapes);
  }

  private static Map<String, TensorShape> shapes(Layer layer) {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    layer.tensors().forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }

  private static Layer weighted(LayerKind kind, long outputs, long... dims) {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    shapes.put("weight", TensorShape.of(dims));
    shapes.put("bias", TensorShape.of(outputs));
    return layer("block.0", kind, ElementType.FLOAT32, shapes);
  }

  private static Layer recurrent(LayerKind kind, int gates) {
    return recurrent(kind, gates, "_l0");
  }

  private static Layer cell(LayerKind kind, int gates) {
    return recurrent(kind, gates, "");
  }

  private static Layer recurrent(LayerKind kind, int gates, String suffix) {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    shapes.put("weight_ih" + suffix, TensorShape.of(gates * 5L, 4));
    shapes.put("weight_hh" + suffix, TensorShape.of(gates * 5L, 5));
    shapes.put("bias_ih" + suffix, TensorShape.of(gates * 5L));
    shapes.put("bias_hh" + suffix, TensorShape.of(gates * 5L));
    return layer("rnn", kind, ElementType.FLOAT32, shapes);
  }

  private static Layer attention() {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    shapes.put("in_proj_weight", TensorShape.of(12, 4));
    shapes.put("in_proj_bias", TensorShape.of(12));
    return layer("attn", LayerKind.MULTIHEAD_ATTENTION, ElementType.FLOAT32, shapes);
  }

  private static Layer norm() {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    shapes.put("weight", TensorShape.of(4));
    shapes.put("bias", TensorShape.of(4));
    shapes.put("running_mean", TensorShape.of(4));
    shapes.put("running_var", TensorShape.of(4));
    return layer("norm", LayerKind.NORM, ElementType.FLOAT32, shapes);
  }
}
