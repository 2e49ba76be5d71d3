package dev.monoquant.testkit.data;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * A small model generated from a seed: layers of all kinds in any order, declared or inferred, in
 * all float types, with usual and unusual names, counters, and tensors at the root. It may be
 * empty. Immutable.
 *
 * <p>All values are finite. {@link #toString()} is the call that makes it, to paste into a test
 * after a failure.
 */
public final class ModelSample {

  private static final List<String> NAMES =
      List.of(
          "fc",
          "encoder.0.attn",
          "layers.10.mlp",
          "a_b",
          "a",
          "0",
          "weight",
          "conv-1",
          "größe",
          "x y",
          "norm",
          "model.model",
          "a.b.c.d.e",
          "lm_head",
          "\"quoted\"",
          "back\\slash");

  private static final List<ElementType> FLOATS =
      Arrays.stream(ElementType.values()).filter(ElementType::isQuantizable).toList();

  private final long seed;
  private final int layers;

  private ModelSample(long seed, int layers) {
    this.seed = seed;
    this.layers = layers;
  }

  /**
   * {@return the model of a seed, the same in every JVM}
   *
   * @param seed any number
   * @param layers the number of layers, 0 or more
   */
  public static ModelSample of(long seed, int layers) {
    if (layers < 0) {
      throw new IllegalArgumentException(layers + " layers");
    }
    return new ModelSample(seed, layers);
  }

  /** {@return a new model in memory} */
  public MemoryModel model() {
    RandomGenerator random = new SplittableRandom(seed);
    MemoryModel.Builder model = MemoryModel.named(toString());
    List<Layer> kinds = LayerSamples.ordinary();
    Set<String> taken = new HashSet<>();
    for (int i = 0; i < layers; i++) {
      Layer like = kinds.get(random.nextInt(kinds.size()));
      ElementType type = FLOATS.get(random.nextInt(FLOATS.size()));
      String name = NAMES.get(random.nextInt(NAMES.size()));
      while (!taken.add(name)) {
        name += "." + random.nextInt(10);
      }
      Map<String, TensorShape> shapes = new LinkedHashMap<>();
      like.tensors().forEach((local, tensor) -> shapes.put(local, tensor.shape()));
      Layer layer = LayerSamples.layer(name, like.kind(), type, shapes);
      layer.tensors().values().forEach(tensor -> model.tensor(tensor, numbers(tensor, random)));
      if (random.nextBoolean()) {
        model.layer(layer);
      }
    }
    if (random.nextBoolean()) {
      TensorInfo steps = new TensorInfo("num_batches_tracked", ElementType.INT64, TensorShape.of());
      model.tensor(steps, new byte[Long.BYTES]);
      TensorInfo empty = new TensorInfo("empty", ElementType.FLOAT32, TensorShape.of(0, 3));
      model.tensor(empty, new byte[0]);
    }
    return model.build();
  }

  private static byte[] numbers(TensorInfo tensor, RandomGenerator random) {
    ValuePattern[] patterns = ValuePattern.values();
    ValuePattern pattern = patterns[random.nextInt(patterns.length)];
    int count = Math.toIntExact(tensor.shape().elements());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = Representable.clamp(tensor.type(), pattern.at(random, i / 4, i % 4));
    }
    byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
    FloatBytes.narrow(tensor.type(), values, 0, count, bytes, 0);
    return bytes;
  }

  /** {@return such as {@code ModelSample.of(17L, 3)}} */
  @Override
  public String toString() {
    return "ModelSample.of(" + seed + "L, " + layers + ")";
  }
}
