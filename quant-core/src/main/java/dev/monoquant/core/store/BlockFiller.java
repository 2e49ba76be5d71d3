package dev.monoquant.core.store;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Copies decoded tensors to the parameters of a new block.
 *
 * <p>A parameter that has an array is written in place, through its memory: the engine allows no
 * other way for the parameters of a TorchScript file. Buffers of such a file, such as running
 * means, are not accessible; they keep the values of the architecture.
 */
public final class BlockFiller {

  private BlockFiller() {}

  public static void fill(Block block, Map<String, NDArray> tensors, NDManager manager) {
    List<String> missing = new ArrayList<>();
    for (Pair<String, Parameter> named : block.getParameters()) {
      if (!tensors.containsKey(named.getKey())) {
        missing.add(QuantException.quote(named.getKey()));
      }
    }
    if (!missing.isEmpty() || block.getParameters().isEmpty()) {
      throw new ConfigurationException(
          "the architecture does not fit the model: "
              + (missing.isEmpty()
                  ? "it has no parameters; load it with trainParam=true"
                  : "it has parameters that the model lacks: " + String.join(", ", missing))
              + ". The model has "
              + tensors.keySet().stream().limit(5).map(QuantException::quote).toList());
    }
    for (Pair<String, Parameter> named : block.getParameters()) {
      NDArray tensor = tensors.get(named.getKey());
      if (tensor != null) {
        fill(named.getKey(), named.getValue(), tensor, manager);
      }
    }
  }

  private static void fill(String name, Parameter parameter, NDArray tensor, NDManager manager) {
    if (!parameter.isInitialized()) {
      requireShape(name, parameter.getShape(), tensor);
      NDArray own = tensor.duplicate();
      own.attach(manager);
      // A parameter accepts an array only while it has no shape; it then gets the array's shape.
      parameter.setShape(null);
      parameter.setArray(own);
      return;
    }
    NDArray array = parameter.getArray();
    requireShape(name, array.getShape(), tensor);
    DataType type = array.getDataType();
    try (NDArray converted = tensor.toType(type, true)) {
      ByteBuffer to = array.toByteBuffer(true).order(ByteOrder.nativeOrder());
      to.put(converted.toByteBuffer());
    }
  }

  private static void requireShape(String name, @Nullable Shape shape, NDArray tensor) {
    if (shape != null && !shape.equals(tensor.getShape())) {
      throw new ConfigurationException(
          "parameter "
              + QuantException.quote(name)
              + " of the architecture has shape "
              + shape
              + ", the model's has "
              + tensor.getShape()
              + ". Use the architecture that the model was trained with");
    }
  }
}
