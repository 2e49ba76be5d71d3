package dev.monoquant.schemes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.util.function.BinaryOperator;
import java.util.function.Function;

/**
 * The least and the greatest number of each row of an array, NaN where there is one.
 *
 * <p>DJL reduces along an axis by the operation that also finds the indices, which torch computes
 * number by number. Rows are therefore folded first: their halves are compared with each other,
 * which torch does in vector code, until few columns are left for it. Comparing does not round, so
 * the result is the same.
 */
final class TorchRange {

  /** Columns that are not worth another fold. */
  private static final long FEW = 128;

  private static final int[] COLS = {1};

  private TorchRange() {}

  static float[] least(NDArray rows) {
    return fold(rows, NDArray::minimum, last -> last.min(COLS));
  }

  static float[] greatest(NDArray rows) {
    return fold(rows, NDArray::maximum, last -> last.max(COLS));
  }

  private static float[] fold(
      NDArray rows, BinaryOperator<NDArray> compare, Function<NDArray, NDArray> reduce) {
    NDArray folded = rows;
    try {
      while (folded.getShape().get(1) > FEW && folded.getShape().get(1) % 2 == 0) {
        try (NDList halves = folded.split(2, 1)) {
          NDArray next = compare.apply(halves.get(0), halves.get(1));
          closeUnless(folded, rows);
          folded = next;
        }
      }
      try (NDArray last = reduce.apply(folded)) {
        return last.toFloatArray();
      }
    } finally {
      closeUnless(folded, rows);
    }
  }

  private static void closeUnless(NDArray array, NDArray given) {
    if (array != given) {
      array.close();
    }
  }
}
