package dev.monoquant.files.model;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A weight that is computed from other tensors when it is read.
 *
 * <p>Norms and products are summed as doubles and rounded once to float32; all other steps are
 * computed in float32 and rounded to the type of the weight. PyTorch sums in float32, in an order
 * that depends on the machine, so the results differ from PyTorch by a few units in the last place;
 * pruned weights are equal. FLOAT64 weights are computed in doubles throughout. A direction of
 * zeros gives NaN, as in PyTorch.
 *
 * <p>The sums are cached, one number for each index of the axis. Thread-safe.
 */
final class FoldedWeight {

  private static final int CHUNK = 1 << 16;

  private final ModelSource inner;
  private final Parametrization made;
  private double @Nullable [] factors;

  FoldedWeight(ModelSource inner, Parametrization made) {
    this.inner = inner;
    this.made = made;
  }

  /** Reads a part, as {@link ModelSource#read}. */
  ByteBuffer read(long offset, int length) throws IOException {
    ElementType type = made.base().type();
    int cell = type.cellBytes();
    long first = offset / cell;
    int count = (int) ((offset + length + cell - 1) / cell - first);
    byte[] out = new byte[Math.multiplyExact(count, cell)];
    double[] numbers = numbers(made.base(), first, count);
    if (made.kind() == Parametrization.Kind.PRUNING) {
      double[] mask = numbers(made.others().get(0), first, count);
      for (int i = 0; i < count; i++) {
        numbers[i] *= mask[i];
      }
    } else {
      double[] by = factors();
      for (int i = 0; i < count; i++) {
        double factor = by[by.length == 1 ? 0 : made.index(first + i)];
        numbers[i] =
            made.kind() == Parametrization.Kind.WEIGHT_NORM
                ? numbers[i] * factor
                : numbers[i] / factor;
      }
    }
    narrow(type, numbers, out);
    return ByteBuffer.wrap(out, (int) (offset - first * cell), length)
        .slice()
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Rounds products of two floats, which are exact in double, to float32 and then to the type: the
   * result equals that of float32 arithmetic. So does the quotient of two floats computed in
   * double.
   */
  private static void narrow(ElementType type, double[] numbers, byte[] out) {
    if (type == ElementType.FLOAT64) {
      ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().put(numbers);
      return;
    }
    float[] floats = new float[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      floats[i] = (float) numbers[i];
    }
    FloatBytes.narrow(type, floats, 0, floats.length, out, 0);
  }

  private double[] numbers(TensorInfo tensor, long first, int count) throws IOException {
    int cell = tensor.type().cellBytes();
    double[] numbers = new double[count];
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      ByteBuffer data = inner.read(tensor, (first + done) * cell, n * cell);
      if (tensor.type() == ElementType.FLOAT64) {
        data.slice().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(numbers, done, n);
      } else {
        float[] floats = new float[n];
        FloatBytes.widen(tensor.type(), data, floats, 0, n);
        for (int i = 0; i < n; i++) {
          numbers[done + i] = floats[i];
        }
      }
    }
    return numbers;
  }

  private double[] numbers(TensorInfo tensor) throws IOException {
    return numbers(tensor, 0, Math.toIntExact(tensor.shape().elements()));
  }

  private synchronized double[] factors() throws IOException {
    if (factors == null) {
      factors =
          made.kind() == Parametrization.Kind.WEIGHT_NORM ? lengths() : new double[] {sigma()};
    }
    return factors;
  }

  /** The factor for each index of the axis. */
  private double[] lengths() throws IOException {
    double[] wanted = numbers(made.others().get(0));
    double[] squares = new double[wanted.length];
    long elements = made.base().shape().elements();
    for (long at = 0; at < elements; at += CHUNK) {
      double[] some = numbers(made.base(), at, (int) Math.min(CHUNK, elements - at));
      for (int i = 0; i < some.length; i++) {
        squares[made.index(at + i)] += some[i] * some[i];
      }
    }
    for (int i = 0; i < wanted.length; i++) {
      wanted[i] = round(wanted[i] / round(Math.sqrt(squares[i])));
    }
    return wanted;
  }

  /** The product of a matrix with a vector on each side: an estimate of its norm. */
  double sigma() throws IOException {
    double[] left = numbers(made.others().get(0));
    double[] right = numbers(made.others().get(1));
    double sum = 0;
    long elements = made.base().shape().elements();
    for (long at = 0; at < elements; at += CHUNK) {
      double[] some = numbers(made.base(), at, (int) Math.min(CHUNK, elements - at));
      for (int i = 0; i < some.length; i++) {
        sum += left[made.index(at + i)] * some[i] * right[(int) made.column(at + i)];
      }
    }
    return round(sum);
  }

  private double round(double number) {
    return made.isDouble() ? number : (float) number;
  }
}
