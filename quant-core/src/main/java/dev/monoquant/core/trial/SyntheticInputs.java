package dev.monoquant.core.trial;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Generated inputs for a model without samples, inferred from its first layer with a weight: ids
 * for an embedding, numbers of a normal distribution for the others. The inputs are the same at
 * each call.
 *
 * @param describe the guess as text for the user
 * @param shape the shape of the input
 * @param ids the number of different ids; 0 for normal numbers
 * @param times the number of inputs of that shape
 */
record SyntheticInputs(String describe, List<Long> shape, long ids, int times) {

  private static final int BATCH = 2;
  private static final int STEPS = 16;
  private static final List<Integer> ID_STEPS = List.of(16, 64, 128, 512);
  private static final List<Long> IMAGE_SIDES = List.of(8L, 28L, 32L, 64L, 224L);
  private static final int MOST = 24;

  /** The inputs to try, in order. */
  static List<SyntheticInputs> candidates(List<Layer> layers) {
    List<SyntheticInputs> all = new ArrayList<>();
    for (Layer layer : layers) {
      if (!layer.kind().equals(LayerKind.NORM)) {
        weight(layer).ifPresent(weight -> add(layer.kind(), weight.shape().dims(), all));
      }
    }
    return all.stream().distinct().limit(MOST).toList();
  }

  private static Optional<TensorInfo> weight(Layer layer) {
    return layer.tensors().values().stream().filter(t -> t.shape().rank() >= 2).findFirst();
  }

  private static void add(LayerKind kind, long[] dims, List<SyntheticInputs> to) {
    long inputs = dims[1];
    if (kind.equals(LayerKind.EMBEDDING)) {
      for (int steps : ID_STEPS) {
        for (int times = 1; times <= 3; times++) {
          to.add(ids(dims[0], steps, times));
        }
      }
    } else if (dims.length == 4) {
      for (long side : IMAGE_SIDES) {
        to.add(numbers(BATCH, inputs, side, side));
      }
    } else if (dims.length == 3) {
      to.add(numbers(BATCH, inputs, 4 * STEPS));
    } else if (dims.length == 5) {
      to.add(numbers(1, inputs, STEPS, STEPS, STEPS));
    } else {
      to.add(numbers(BATCH, inputs));
      to.add(numbers(BATCH, STEPS, inputs));
    }
  }

  private static SyntheticInputs numbers(long... shape) {
    List<Long> dims = Arrays.stream(shape).boxed().toList();
    return new SyntheticInputs("made-up numbers of shape " + dims, dims, 0, 1);
  }

  private static SyntheticInputs ids(long rows, int steps, int times) {
    List<Long> dims = List.of((long) BATCH, (long) steps);
    String what = "made-up ids of shape " + dims + (times == 1 ? "" : ", " + times + " inputs");
    return new SyntheticInputs(what, dims, rows, times);
  }

  NDList make(NDManager manager) {
    Random random = new Random(1);
    Shape full = new Shape(shape.stream().mapToLong(Long::longValue).toArray());
    int count = Math.toIntExact(full.size());
    NDList inputs = new NDList();
    for (int i = 0; i < times; i++) {
      if (ids > 0) {
        long[] values = new long[count];
        for (int j = 0; j < count; j++) {
          // Further inputs are masks and types, for which only 1 and 0 are safe.
          values[j] = i == 0 ? random.nextInt((int) Math.min(ids, Integer.MAX_VALUE)) : 2 - i;
        }
        inputs.add(manager.create(values, full));
      } else {
        float[] values = new float[count];
        for (int j = 0; j < count; j++) {
          values[j] = (float) random.nextGaussian();
        }
        inputs.add(manager.create(values, full));
      }
    }
    return inputs;
  }
}
