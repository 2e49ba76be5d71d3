package dev.monoquant.core;

import dev.monoquant.core.InputOpener.Opened;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads two models side by side, in pieces of bounded size. */
final class Comparer {

  private static final int PIECE = 1 << 20;

  private final Settings settings;

  Comparer(Settings settings) {
    this.settings = settings;
  }

  Comparison compare(Opened first, Opened second) throws IOException {
    ModelSource a = first.source();
    ModelSource b = second.source();
    ModelSource left = new DecodedSource(settings, a);
    ModelSource right = new DecodedSource(settings, b);
    Map<String, TensorInfo> others = new LinkedHashMap<>();
    right.info().tensors().forEach(t -> others.put(t.name(), t));

    List<ComparedTensor> tensors = new ArrayList<>();
    List<TensorInfo> onlyInA = new ArrayList<>();
    List<TensorInfo> mismatched = new ArrayList<>();
    long total = left.info().tensors().stream().mapToLong(TensorInfo::bytes).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, total);
    for (TensorInfo tensor : left.info().tensors()) {
      TensorInfo other = others.remove(tensor.name());
      if (other == null) {
        onlyInA.add(tensor);
      } else if (!tensor.shape().equals(other.shape())) {
        mismatched.add(tensor);
      } else {
        tensors.add(compare(left, tensor, right, other));
      }
      meter.add(tensor.bytes(), tensor.name());
    }
    return new Comparison(
        a.info().name(),
        b.info().name(),
        tensors,
        onlyInA,
        new ArrayList<>(others.values()),
        mismatched,
        first.foreign(),
        second.foreign());
  }

  private static ComparedTensor compare(
      ModelSource left, TensorInfo a, ModelSource right, TensorInfo b) throws IOException {
    boolean equal = a.type() == b.type() && bytesEqual(left, a, right, b);
    boolean floats = a.type().isQuantizable() && b.type().isQuantizable();
    ErrorStatistics errors = floats ? errors(left, a, right, b) : ErrorStatistics.EMPTY;
    return new ComparedTensor(a.name(), a.type(), b.type(), a.shape(), equal, errors);
  }

  private static boolean bytesEqual(ModelSource left, TensorInfo a, ModelSource right, TensorInfo b)
      throws IOException {
    long size = a.bytes();
    for (long at = 0; at < size; at += PIECE) {
      int n = (int) Math.min(PIECE, size - at);
      if (!left.read(a, at, n).equals(right.read(b, at, n))) {
        return false;
      }
    }
    return true;
  }

  private static ErrorStatistics errors(
      ModelSource left, TensorInfo a, ModelSource right, TensorInfo b) throws IOException {
    ErrorStatistics total = ErrorStatistics.EMPTY;
    long elements = a.shape().elements();
    float[] x = new float[PIECE];
    float[] y = new float[PIECE];
    for (long at = 0; at < elements; at += PIECE) {
      int n = (int) Math.min(PIECE, elements - at);
      widen(left, a, at, n, x);
      widen(right, b, at, n, y);
      ErrorMeter meter = new ErrorMeter(n);
      meter.row(x, y, 0);
      total = total.plus(meter.total());
    }
    return total;
  }

  private static void widen(ModelSource source, TensorInfo tensor, long at, int n, float[] to)
      throws IOException {
    ElementType type = tensor.type();
    ByteBuffer data = source.read(tensor, at * type.cellBytes(), n * type.cellBytes());
    FloatBytes.widen(type, data, to, 0, n);
  }
}
