package dev.monoquant.io.foreign;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles.Located;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * The tensors of one module.
 *
 * @param name the module path; empty for tensors without one
 * @param tensors the tensors by their local names
 * @param declared the quantization that the configuration of the model declares
 */
record ForeignModule(String name, Map<String, Located> tensors, DeclaredQuantization declared) {

  /**
   * {@return a tensor of the module}
   *
   * @param parameter its local name
   */
  Optional<TensorInfo> find(String parameter) {
    return Optional.ofNullable(tensors.get(parameter)).map(Located::info);
  }

  /**
   * {@return the full name of a tensor}
   *
   * @param parameter its local name; one that begins with an underscore is a suffix of the module's
   */
  String tensor(String parameter) {
    return name.isEmpty() || parameter.startsWith("_") ? name + parameter : name + "." + parameter;
  }

  /**
   * {@return all bytes of a small tensor}
   *
   * @param parameter its local name; the module has it
   * @param most the limit on bytes
   * @throws ModelFormatException if it has more, or cannot be read
   */
  ByteBuffer read(String parameter, int most) {
    Located located = located(parameter);
    long bytes = located.info().bytes();
    if (bytes > most) {
      throw fault(parameter, "has " + bytes + " bytes, at most " + most + " are allowed");
    }
    try {
      return located.read(0, (int) bytes);
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE, located.file().label(), "tensor " + quote(tensor(parameter)), "" + e);
    }
  }

  /**
   * {@return whether a tensor is one line of bytes, repeated}
   *
   * @param parameter its local name; the module has it
   * @param line the bytes, at least one
   * @throws ModelFormatException if it cannot be read
   */
  boolean repeats(String parameter, byte[] line) {
    Located located = located(parameter);
    long bytes = located.info().bytes();
    try {
      for (long at = 0; at < bytes; at += line.length) {
        int length = (int) Math.min(line.length, bytes - at);
        if (located.read(at, length).mismatch(ByteBuffer.wrap(line, 0, length)) >= 0) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE, located.file().label(), "tensor " + quote(tensor(parameter)), "" + e);
    }
  }

  /**
   * {@return the weight matrix that the tensors represent}
   *
   * @param type the type of the weight
   * @param rows its outputs
   * @param columns its inputs
   * @param parameter the tensor with its codes; its shard becomes that of the weight
   * @throws ModelFormatException if the weight is empty, or there is a plain tensor of its name
   */
  WeightMatrix matrix(ElementType type, long rows, long columns, String parameter) {
    String weight = "weight";
    if (rows < 1 || columns < 1 || rows > Integer.MAX_VALUE || columns > Integer.MAX_VALUE) {
      throw fault(parameter, "stands for a weight of " + rows + " x " + columns + " numbers");
    }
    if (!parameter.equals(weight) && tensors.containsKey(weight)) {
      throw fault(parameter, "stands beside " + quote(tensor(weight)) + "; only one can be meant");
    }
    TensorInfo info =
        new TensorInfo(
            tensor(weight), type, TensorShape.of(rows, columns), located(parameter).info().shard());
    return new WeightMatrix(name, LayerKind.LINEAR, weight, info, 0);
  }

  /**
   * Requires a tensor of a type and shape.
   *
   * @param parameter its local name
   * @param type the type
   * @param dims the shape
   * @throws ModelFormatException if it is missing, or has another type or shape
   */
  void require(String parameter, ElementType type, long... dims) {
    TensorInfo tensor =
        find(parameter)
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        Reason.RECORD_MISSING,
                        tensors.values().iterator().next().file().label(),
                        "module " + quote(name),
                        "has no tensor "
                            + quote(tensor(parameter))
                            + ". The files do not belong together or are damaged; fetch them"
                            + " again."));
    TensorShape shape = TensorShape.of(dims);
    if (tensor.type() != type || !tensor.shape().equals(shape)) {
      throw fault(
          parameter,
          "is "
              + tensor.type().wire()
              + " "
              + tensor.shape()
              + "; the tensors beside it need "
              + type.wire()
              + " "
              + shape);
    }
  }

  /**
   * {@return the exception for a tensor that contradicts others}
   *
   * @param parameter its local name
   * @param what the contradiction, as a predicate
   */
  ModelFormatException fault(String parameter, String what) {
    return new ModelFormatException(
        Reason.TENSOR_BOUNDS,
        located(parameter).file().label(),
        "tensor " + quote(tensor(parameter)),
        what + ". The files do not belong together or are damaged; fetch them again.");
  }

  /**
   * {@return the exception for a variant of the layout that is not decoded}
   *
   * @param what the variant, a sentence without its period
   */
  ModelFormatException unsupported(String what) {
    return new ModelFormatException(
        Reason.UNSUPPORTED_TENSOR,
        tensors.values().iterator().next().file().label(),
        "module " + quote(name),
        what + ". Use the float original.");
  }

  private Located located(String parameter) {
    Located located = tensors.get(parameter);
    if (located == null) {
      throw new IllegalArgumentException(name + " has no tensor " + parameter);
    }
    return located;
  }
}
