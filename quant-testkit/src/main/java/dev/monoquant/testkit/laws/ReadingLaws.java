package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Laws for reading the data of a valid model from a {@link ModelSource}. */
public final class ReadingLaws {

  private static final int THREADS = 4;
  private static final int ROUNDS = 20;
  private static final float BEYOND = 12.5f;

  private ReadingLaws() {}

  /**
   * Every read returns a read-only, little-endian buffer with exactly the requested number of bytes
   * remaining: all, none, the first, the last, and some in between.
   *
   * @param c a valid model
   */
  public static void readsTheRequestedBytes(SourceCase c) {
    Sources.with(
        c,
        source -> {
          for (TensorInfo tensor : source.info().tensors()) {
            int size = Math.toIntExact(tensor.bytes());
            int third = size / 3;
            int[][] asked = {{0, size}, {0, 0}, {size, 0}, {0, Math.min(1, size)}, {third, third}};
            for (int[] a : asked) {
              requireExact(c, tensor, a, source.read(tensor, a[0], a[1]));
            }
          }
        });
  }

  private static void requireExact(SourceCase c, TensorInfo tensor, int[] asked, ByteBuffer got) {
    if (got.remaining() != asked[1]
        || !got.isReadOnly()
        || got.order() != ByteOrder.LITTLE_ENDIAN) {
      throw new LawViolation(
          "readsTheRequestedBytes",
          c,
          "a read of %d bytes of %s at %d returned %d bytes, %s, %s"
              .formatted(
                  asked[1],
                  tensor.name(),
                  asked[0],
                  got.remaining(),
                  got.isReadOnly() ? "read-only" : "writable",
                  got.order()));
    }
  }

  /**
   * Pieces of any size, read in any order and concatenated, equal a single read.
   *
   * @param c a valid model
   */
  public static void piecesEqualTheWhole(SourceCase c) {
    Sources.with(
        c,
        source -> {
          for (TensorInfo tensor : source.info().tensors()) {
            byte[] whole = Sources.bytes(source, tensor, 0, Math.toIntExact(tensor.bytes()));
            for (int step : new int[] {whole.length / 40 + 1, whole.length / 3 + 1}) {
              // From the last piece to the first: a source must not depend on the order of reads.
              for (int from = (whole.length - 1) / step * step; from >= 0; from -= step) {
                int length = Math.min(step, whole.length - from);
                byte[] expected = Arrays.copyOfRange(whole, from, from + length);
                if (!Arrays.equals(expected, Sources.bytes(source, tensor, from, length))) {
                  throw new LawViolation(
                      "piecesEqualTheWhole",
                      c,
                      "a read of %d bytes of %s at %d returned bytes other than those of the whole"
                          .formatted(length, tensor.name(), from));
                }
              }
            }
          }
        });
  }

  /**
   * Rows of a weight equal its decoded bytes, along any axis and in pieces of any height; later
   * elements of the array do not change.
   *
   * @param c a valid model
   */
  public static void rowsEqualTheBytes(SourceCase c) {
    Sources.with(
        c,
        source -> {
          for (TensorInfo tensor : source.info().tensors()) {
            if (tensor.type().isQuantizable() && tensor.shape().elements() > 0) {
              int elements = Math.toIntExact(tensor.shape().elements());
              ByteBuffer bytes = source.read(tensor, 0, Math.toIntExact(tensor.bytes()));
              float[] numbers = new float[elements];
              FloatBytes.widen(tensor.type(), bytes, numbers, 0, elements);
              for (int axis = 0; axis < tensor.shape().rank(); axis++) {
                requireRows(c, source, tensor, axis, numbers);
              }
            }
          }
        });
  }

  private static void requireRows(
      SourceCase c, ModelSource source, TensorInfo tensor, int axis, float[] numbers)
      throws IOException {
    WeightMatrix matrix = new WeightMatrix("", LayerKind.UNKNOWN, "", tensor, axis);
    int rows = Math.toIntExact(matrix.rowCount());
    int cols = Math.toIntExact(matrix.columnCount());
    int inner = 1;
    for (int after = axis + 1; after < tensor.shape().rank(); after++) {
      inner *= Math.toIntExact(tensor.shape().dim(after));
    }
    int step = rows / 3 + 1;
    for (int first = (rows - 1) / step * step; first >= 0; first -= step) {
      int height = Math.min(step, rows - first);
      float[] read = new float[height * cols + 1];
      read[height * cols] = BEYOND;
      source.readRows(matrix, new RowRange(first, height), read);
      for (int i = 0; i < height * cols; i++) {
        int col = i % cols;
        int at = (col / inner * rows + first + i / cols) * inner + col % inner;
        if (Float.floatToIntBits(read[i]) != Float.floatToIntBits(numbers[at])) {
          throw new LawViolation(
              "rowsEqualTheBytes",
              c,
              "row %d along axis %d of %s has %s in column %d; its bytes decode to %s"
                  .formatted(first + i / cols, axis, tensor.name(), read[i], col, numbers[at]));
        }
      }
      if (read[height * cols] != BEYOND) {
        throw new LawViolation(
            "rowsEqualTheBytes",
            c,
            "reading %d rows of %s changed elements after them".formatted(height, tensor.name()));
      }
    }
  }

  /**
   * Several threads that read concurrently get the same bytes as a single thread. A data race may
   * not appear in every run.
   *
   * @param c a valid model
   */
  public static void threadsDoNotMatter(SourceCase c) {
    String law = "threadsDoNotMatter";
    Sources.with(
        c,
        source -> {
          Map<String, byte[]> alone = Sources.content(source);
          Map<String, Sources.Item> items = Sources.items(source);
          List<Callable<Void>> tasks = new ArrayList<>();
          for (int thread = 0; thread < THREADS; thread++) {
            List<String> order = new ArrayList<>(alone.keySet());
            Collections.rotate(order, thread);
            tasks.add(
                () -> {
                  for (int round = 0; round < ROUNDS; round++) {
                    for (String name : order) {
                      byte[] read = requireNonNull(items.get(name)).read();
                      if (!Arrays.equals(alone.get(name), read)) {
                        throw new LawViolation(
                            law, c, name + " has other bytes if several threads read");
                      }
                    }
                  }
                  return null;
                });
          }
          TileIndependenceLaws.runAll(law, c, tasks);
        });
  }

  /**
   * Plain tensors have their original bytes: NaN and the sign of zero are preserved, and nothing is
   * rounded.
   *
   * @param c a valid model
   * @param truth the bytes of some of its plain tensors by name, little-endian; if empty, the law
   *     does not apply
   */
  public static void readsTheWrittenBytes(SourceCase c, Map<String, byte[]> truth) {
    String law = "readsTheWrittenBytes";
    if (truth.isEmpty()) {
      throw new NotApplicable(law, "the case has no expected bytes");
    }
    Sources.with(
        c,
        source -> {
          Map<String, TensorInfo> tensors = new HashMap<>();
          source.info().tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
          for (Map.Entry<String, byte[]> expected : truth.entrySet()) {
            TensorInfo tensor = tensors.get(expected.getKey());
            if (tensor == null || tensor.bytes() != expected.getValue().length) {
              throw new LawViolation(
                  law, c, "%s was written, and %s is read".formatted(expected.getKey(), tensor));
            }
            byte[] read = Sources.bytes(source, tensor, 0, expected.getValue().length);
            int at = Arrays.mismatch(expected.getValue(), read);
            if (at >= 0) {
              throw new LawViolation(
                  law,
                  c,
                  "byte %d of %s is read as %d; %d was written"
                      .formatted(at, tensor.name(), read[at], expected.getValue()[at]));
            }
          }
        });
  }
}
