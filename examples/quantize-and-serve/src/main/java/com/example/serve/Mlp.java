package com.example.serve;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** Two linear layers, with the parameter names of the PyTorch model that was trained. */
final class Mlp extends AbstractBlock {

  private static final int PIXELS = 64;
  private static final int HIDDEN = 32;
  private static final int DIGITS = 10;

  private final Parameter weight1 = parameter("fc1.weight", Parameter.Type.WEIGHT);
  private final Parameter bias1 = parameter("fc1.bias", Parameter.Type.BIAS);
  private final Parameter weight2 = parameter("fc2.weight", Parameter.Type.WEIGHT);
  private final Parameter bias2 = parameter("fc2.bias", Parameter.Type.BIAS);

  private Parameter parameter(String name, Parameter.Type type) {
    return addParameter(Parameter.builder().setName(name).setType(type).build());
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore store,
      NDList inputs,
      boolean training,
      PairList<String, Object> params) {
    NDArray x = inputs.singletonOrThrow();
    NDArray hidden = linear(store, x, weight1, bias1);
    return new NDList(linear(store, Activation.relu(hidden), weight2, bias2));
  }

  private static NDArray linear(
      ParameterStore store, NDArray x, Parameter weight, Parameter bias) {
    NDArray w = store.getValue(weight, x.getDevice(), false);
    NDArray b = store.getValue(bias, x.getDevice(), false);
    return Linear.linear(x, w, b).singletonOrThrow();
  }

  @Override
  public void prepare(Shape[] inputs) {
    weight1.setShape(new Shape(HIDDEN, PIXELS));
    bias1.setShape(new Shape(HIDDEN));
    weight2.setShape(new Shape(DIGITS, HIDDEN));
    bias2.setShape(new Shape(DIGITS));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputs) {
    return new Shape[] {new Shape(inputs[0].get(0), DIGITS)};
  }
}
