package dev.monoquant.testkit.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.training.initializer.Initializer;
import dev.monoquant.spi.ModelInput;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Valid live objects with arrays, and ones with typical mistakes. */
public final class LiveInputs {

  private static final float[] MATRIX = {1, -2, Float.NaN, 0, -0f, 1e-40f};
  private static final float[] VECTOR = {0.25f, -7};
  private static final long STEPS = 1L << 40;

  private LiveInputs() {}

  /**
   * Ordered and unordered maps, lists with names, without names and with a duplicate name, a closed
   * array, an empty name, a block with and without its parameters.
   *
   * @param manager owns all arrays; closing it invalidates the inputs
   * @return the inputs, the valid map of {@link #sound} first
   */
  public static List<ModelInput> in(NDManager manager) {
    NDArray closed = vector(manager, "closed");
    closed.close();
    return List.of(
        sound(manager),
        ModelInput.of(new HashMap<>(Map.of("b", matrix(manager), "a", vector(manager, "other")))),
        ModelInput.of(Map.of("", matrix(manager))),
        ModelInput.of(Map.of("weight", closed)),
        ModelInput.of(new NDList(vector(manager, "weight"), vector(manager, "bias"))),
        ModelInput.of(new NDList(matrix(manager), matrix(manager))),
        ModelInput.of(new NDList(vector(manager, "twice"), vector(manager, "twice"))),
        ModelInput.of(linear()),
        ModelInput.of(initialized(manager)));
  }

  /**
   * A state dict with a matrix, a vector and a count.
   *
   * @param manager owns the arrays
   * @return a map in the order of a model
   */
  public static ModelInput sound(NDManager manager) {
    Map<String, NDArray> tensors = new LinkedHashMap<>();
    tensors.put("fc.weight", matrix(manager));
    tensors.put("fc.bias", vector(manager, "fc.bias"));
    tensors.put("steps", manager.create(new long[] {STEPS}));
    return ModelInput.of(tensors);
  }

  /** {@return the bytes of the tensors of {@link #sound} by name, little-endian} */
  public static Map<String, byte[]> truth() {
    return Map.of(
        "fc.weight", bytes(MATRIX.length * Float.BYTES, b -> b.asFloatBuffer().put(MATRIX)),
        "fc.bias", bytes(VECTOR.length * Float.BYTES, b -> b.asFloatBuffer().put(VECTOR)),
        "steps", bytes(Long.BYTES, b -> b.putLong(STEPS)));
  }

  private static byte[] bytes(int size, Consumer<ByteBuffer> fill) {
    byte[] bytes = new byte[size];
    fill.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return bytes;
  }

  private static NDArray matrix(NDManager manager) {
    return manager.create(MATRIX, new Shape(2, 3));
  }

  private static NDArray vector(NDManager manager, String name) {
    NDArray array = manager.create(VECTOR);
    array.setName(name);
    return array;
  }

  private static Block linear() {
    return Linear.builder().setUnits(2).build();
  }

  private static Block initialized(NDManager manager) {
    Block block = linear();
    block.setInitializer(Initializer.ONES, parameter -> true);
    block.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
    return block;
  }
}
