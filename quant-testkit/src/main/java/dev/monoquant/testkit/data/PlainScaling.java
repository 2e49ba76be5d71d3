package dev.monoquant.testkit.data;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import java.util.Map;

/** Applies the factors of folds number by number, in double precision: a plain reference. */
public final class PlainScaling {

  private PlainScaling() {}

  /**
   * Multiplies and divides the tensors of a fold in place.
   *
   * @param tensors the numbers of each tensor in row-major order, by its name
   * @param fold the fold
   * @param factors one for each column
   */
  public static void apply(Map<String, double[]> tensors, ScaleFold fold, double[] factors) {
    for (Side side : fold.multiplied()) {
      double[] numbers = numbers(tensors, side);
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (numbers[i] + side.plus()) * factors[index(side, i)] - side.plus();
      }
    }
    for (Side side : fold.divided()) {
      double[] numbers = numbers(tensors, side);
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (numbers[i] + side.plus()) / factors[index(side, i)] - side.plus();
      }
    }
  }

  private static double[] numbers(Map<String, double[]> tensors, Side side) {
    double[] numbers = tensors.get(side.tensor().name());
    if (numbers == null) {
      throw new IllegalArgumentException("there is no tensor " + side.tensor().name());
    }
    return numbers;
  }

  /** The place of a number along the dimension of the factors. */
  private static int index(Side side, int place) {
    TensorInfo tensor = side.tensor();
    long below = 1;
    for (int axis = side.axis() + 1; axis < tensor.shape().rank(); axis++) {
      below *= tensor.shape().dim(axis);
    }
    return Math.toIntExact(place / below % side.size());
  }
}
