package dev.monoquant.core.verify;

import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.report.ComparedTensor;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.run.ByRows;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.run.ErrorMeter;
import dev.monoquant.core.run.Meter;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads two models side by side, in pieces of bounded size. */
public final class Comparer {

  private static final int PIECE = 1 << 20;

  /** Numbers read at once if rows are not contiguous in a tensor, so that their pieces are long. */
  private static final int BAND = 4 << 20;

  private final Settings settings;

  public Comparer(Settings settings) {
    this.settings = settings;
  }

  public Comparison compare(Opened first, Opened second) throws IOException {
    ModelSource a = OutputChoice.view(settings, second.format(), first.source());
    ModelSource b = OutputChoice.view(settings, first.format(), second.source());
    if (!first.format().equals(second.format())) {
      // Both may have been given each other's names; then one keeps its own.
      long both = mismatches(a, b);
      long asSecond = mismatches(a, second.source());
      long asFirst = mismatches(first.source(), b);
      if (asSecond < both && asSecond <= asFirst) {
        b = second.source();
      } else if (asFirst < both) {
        a = first.source();
      }
    }
    ModelSource left = new DecodedSource(settings, a);
    ModelSource right = new DecodedSource(settings, b);
    Map<String, TensorInfo> others = new LinkedHashMap<>();
    right.info().tensors().forEach(t -> others.put(t.name(), t));

    List<ComparedTensor> tensors = new ArrayList<>();
    List<TensorInfo> onlyInA = new ArrayList<>();
    List<TensorInfo> mismatched = new ArrayList<>();
    long total = left.info().tensors().stream().mapToLong(TensorInfo::bytes).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, total);
    RecordedStage.run(
        Progress.Stage.PROCESSING,
        a.info().name(),
        total,
        () -> {
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
        });
    Map<String, String> edits = ScaledTensors.of(a.info());
    for (Map.Entry<String, String> edit : ScaledTensors.of(b.info()).entrySet()) {
      // Two outputs with the same edits have the same tensors.
      if (!edits.remove(edit.getKey(), edit.getValue())) {
        edits.put(edit.getKey(), edit.getValue());
      }
    }
    return new Comparison(
        a.info().name(),
        b.info().name(),
        tensors,
        onlyInA,
        new ArrayList<>(others.values()),
        mismatched,
        edits,
        first.foreign(),
        second.foreign());
  }

  /** How many tensors differ in name, type or shape. */
  private static long mismatches(ModelSource a, ModelSource b) {
    Map<String, TensorInfo> others = new LinkedHashMap<>();
    tensors(b).forEach(t -> others.put(t.name(), t));
    long mismatches = 0;
    for (TensorInfo tensor : tensors(a)) {
      TensorInfo other = others.remove(tensor.name());
      boolean same =
          other != null && tensor.type() == other.type() && tensor.shape().equals(other.shape());
      mismatches += same ? 0 : 1;
    }
    return mismatches + others.size();
  }

  private static List<TensorInfo> tensors(ModelSource source) {
    List<TensorInfo> tensors = new ArrayList<>(source.info().tensors());
    source.info().quantized().forEach(w -> tensors.add(w.matrix().tensor()));
    return tensors;
  }

  private static ComparedTensor compare(
      ModelSource left, TensorInfo a, ModelSource right, TensorInfo b) throws IOException {
    Optional<WeightMatrix> rows =
        ByRows.matrix(left, a).or(() -> ByRows.matrix(right, b).map(m -> of(m, a)));
    if (rows.isPresent() && a.type().isQuantizable() && b.type().isQuantizable()) {
      return byRows(left, rows.get(), right, of(rows.get(), b));
    }
    boolean equal = a.type() == b.type() && bytesEqual(left, a, right, b);
    boolean floats = a.type().isQuantizable() && b.type().isQuantizable();
    ErrorStatistics errors = floats ? errors(left, a, right, b) : ErrorStatistics.EMPTY;
    return new ComparedTensor(a.name(), a.type(), b.type(), a.shape(), equal, errors);
  }

  private static WeightMatrix of(WeightMatrix matrix, TensorInfo tensor) {
    return new WeightMatrix(
        matrix.layer(), matrix.kind(), matrix.param(), tensor, matrix.rowAxis());
  }

  /**
   * Compares a tensor that one of the models decodes row by row, with rows that are not contiguous.
   */
  private static ComparedTensor byRows(
      ModelSource left, WeightMatrix a, ModelSource right, WeightMatrix b) throws IOException {
    int cols = Math.toIntExact(a.columnCount());
    int step = (int) Math.max(1, Math.min(a.rowCount(), BAND / Math.max(1, cols)));
    float[] x = new float[Math.multiplyExact(step, cols)];
    float[] y = new float[x.length];
    ErrorStatistics total = ErrorStatistics.EMPTY;
    boolean equal = a.tensor().type() == b.tensor().type();
    for (long row = 0; row < a.rowCount(); row += step) {
      RowRange rows = new RowRange(row, (int) Math.min(step, a.rowCount() - row));
      int n = rows.height() * cols;
      left.readRows(a, rows, x);
      right.readRows(b, rows, y);
      for (int i = 0; equal && i < n; i++) {
        equal = Float.floatToRawIntBits(x[i]) == Float.floatToRawIntBits(y[i]);
      }
      ErrorMeter meter = new ErrorMeter(n);
      meter.row(x, y, 0);
      total = total.plus(meter.total());
    }
    // Doubles that differ may be the same floats.
    if (equal && a.tensor().type() == ElementType.FLOAT64) {
      equal = bytesEqual(left, a.tensor(), right, b.tensor());
    }
    return new ComparedTensor(
        a.tensor().name(), a.tensor().type(), b.tensor().type(), a.tensor().shape(), equal, total);
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
