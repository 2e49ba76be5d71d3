package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.RunResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Compares the outputs of two models, number by number, in double. Not thread-safe. */
final class OutputMeter {

  /** The types that the engine can convert; it ends the JVM on others, such as bfloat16. */
  private static final Set<DataType> READABLE =
      Set.of(
          DataType.FLOAT64,
          DataType.FLOAT32,
          DataType.FLOAT16,
          DataType.INT64,
          DataType.INT32,
          DataType.INT8,
          DataType.UINT8,
          DataType.BOOLEAN);

  private final String name;
  private final String remedy;
  private ErrorStatistics total = ErrorStatistics.EMPTY;
  private ErrorStatistics floats = ErrorStatistics.EMPTY;
  private long mismatched;
  private final List<RunResult.Pair> pairs = new ArrayList<>();
  private long seen;

  /** Every how many of the numbers is a pair; doubled when there are too many pairs. */
  private long stride = 1;

  OutputMeter(String name, String remedy) {
    this.name = name;
    this.remedy = remedy;
  }

  /** Adds the outputs of one call. */
  void add(NDList reference, NDList outputs) {
    if (reference.size() != outputs.size()) {
      throw new ValidationException(
          name + ": it has " + outputs.size() + " outputs, the original " + reference.size());
    }
    for (int i = 0; i < reference.size(); i++) {
      NDArray wanted = reference.get(i);
      NDArray got = outputs.get(i);
      if (!wanted.getShape().equals(got.getShape()) || wanted.getDataType() != got.getDataType()) {
        throw new ValidationException(
            String.format(
                "%s: output %d is %s of shape %s, that of the original %s of shape %s%s",
                name,
                i,
                got.getDataType(),
                got.getShape(),
                wanted.getDataType(),
                wanted.getShape(),
                sizes(wanted, got)));
      }
      if (!READABLE.contains(got.getDataType())) {
        throw new ValidationException(
            name
                + ": output "
                + i
                + " has a type that cannot be read here, such as bfloat16, so it cannot be"
                + " compared. Let the model return output.float()"
                + remedy);
      }
      ErrorStatistics one = add(doubles(wanted), doubles(got));
      total = total.plus(one);
      floats = got.getDataType().isFloating() ? floats.plus(one) : floats;
    }
  }

  /** The likely reason if only sizes differ. */
  private String sizes(NDArray wanted, NDArray got) {
    boolean only =
        wanted.getDataType() == got.getDataType()
            && wanted.getShape().dimension() == got.getShape().dimension();
    return only
        ? ". Where a size depends on numbers (what is above a threshold, or boxes that are"
            + " suppressed), rounding may change it. Try --option mode=weight-only, or let the"
            + " model return what the size is made from"
            + remedy
        : "";
  }

  /** {@return the numbers of an array of a type that can be read} */
  static double[] doubles(NDArray array) {
    // Without the copy, a result of the same type would be the array itself.
    try (NDArray wide = array.toType(DataType.FLOAT64, true)) {
      return wide.toDoubleArray();
    }
  }

  private ErrorStatistics add(double[] wanted, double[] got) {
    double signal = 0;
    double noise = 0;
    double cross = 0;
    double square = 0;
    double max = 0;
    long finite = 0;
    for (int i = 0; i < wanted.length; i++) {
      double x = wanted[i];
      double y = got[i];
      if (Double.isFinite(x) && Double.isFinite(y)) {
        finite++;
        signal += x * x;
        noise += (x - y) * (x - y);
        cross += x * y;
        square += y * y;
        max = Math.max(max, Math.abs(x - y));
        sample(x, y);
      } else if (Double.compare(x, y) != 0) {
        mismatched++;
      }
    }
    return new ErrorStatistics(finite, signal, noise, cross, square, max);
  }

  private void sample(double reference, double result) {
    if (seen++ % stride != 0) {
      return;
    }
    if (pairs.size() == RunResult.MAX_PAIRS) {
      for (int i = 0; i < RunResult.MAX_PAIRS / 2; i++) {
        pairs.set(i, pairs.get(2 * i));
      }
      pairs.subList(RunResult.MAX_PAIRS / 2, RunResult.MAX_PAIRS).clear();
      stride *= 2;
      // The number that made them too many is one of every second, because MAX_PAIRS is even.
    }
    pairs.add(new RunResult.Pair(reference, result));
  }

  List<RunResult.Pair> pairs() {
    return pairs;
  }

  ErrorStatistics total() {
    return total;
  }

  ErrorStatistics floats() {
    return floats;
  }

  long mismatched() {
    return mismatched;
  }
}
