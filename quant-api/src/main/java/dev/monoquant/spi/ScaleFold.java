package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.TensorInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Where factors of the inputs of a group of layers can be moved without a change of what the model
 * computes: the weights of all layers that read the input are multiplied, and what makes the input
 * is divided.
 *
 * <pre>
 * norm:    x = n * w + b       w / s, b / s      each layer  W[i][j] * s[j]
 * Linear:  x = V y + b         V[j] / s[j], b / s            W[i][j] * s[j]
 * </pre>
 *
 * @param input a name for messages, such as {@code model.layers.0.input_layernorm}
 * @param divided what makes the input
 * @param multiplied the weights of <em>all</em> layers that read it, also of those that stay in
 *     float
 * @param normalized whether the input is n * (weight + plus) of one divided tensor, where the mean
 *     square of n over the columns is 1 or (by the epsilon of the norm) a little less, as RMSNorm
 *     makes it: the caller checks this by the statistics of the input
 */
public record ScaleFold(
    String input, List<Side> divided, List<Side> multiplied, boolean normalized) {

  /**
   * A tensor with a factor for each index along one of its dimensions.
   *
   * @param tensor the tensor
   * @param axis the dimension: 0 for a norm or the rows of a Linear, 1 for its columns
   * @param plus what the model adds to each number before it uses it, such as 1 in the norms of
   *     Gemma
   */
  public record Side(TensorInfo tensor, int axis, float plus) {

    /** Checks that the tensor has that dimension. */
    public Side {
      requireNonNull(tensor, "tensor");
      if (axis < 0 || axis >= tensor.shape().rank()) {
        throw new IllegalArgumentException(
            tensor.name() + " of shape " + tensor.shape() + " has no dimension " + axis);
      }
    }

    /** {@return the number of factors} */
    public long size() {
      return tensor.shape().dim(axis);
    }
  }

  /** Copies the lists and checks that every side has as many factors, and no tensor is twice. */
  public ScaleFold {
    requireNonNull(input, "input");
    divided = List.copyOf(divided);
    multiplied = List.copyOf(multiplied);
    if (divided.isEmpty() || multiplied.isEmpty()) {
      throw new IllegalArgumentException(input + ": both sides need a tensor");
    }
    long size = divided.get(0).size();
    Set<String> names = new HashSet<>();
    for (List<Side> sides : List.of(divided, multiplied)) {
      for (Side side : sides) {
        if (side.size() != size || !names.add(side.tensor().name())) {
          throw new IllegalArgumentException(
              input
                  + ": "
                  + side.tensor().name()
                  + " is there twice, or its "
                  + side.size()
                  + " factors are not the "
                  + size
                  + " of the others");
        }
      }
    }
  }

  /** {@return the number of factors} */
  public int size() {
    return Math.toIntExact(divided.get(0).size());
  }
}
