package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.example.FlatFormat;
import dev.monoquant.testkit.fakes.ForwardingDetector;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.ReadingLaws;
import dev.monoquant.testkit.laws.SourceCase;
import dev.monoquant.testkit.laws.SourceLaws;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sources with one fault each, and the one law that must see it. */
class BrokenSourcesTest {

  @TempDir private Path folder;

  /** Hands out the end of the tensor, too. Caught by {@code readsTheRequestedBytes}. */
  @Test
  void readsTooMuch() throws IOException {
    assertThat(
            caught(
                reading(
                    (source, tensor, offset, length) ->
                        source.read(tensor, offset, (int) (tensor.bytes() - offset)))))
        .containsExactly("readsTheRequestedBytes");
  }

  /** Reads in the order of the machine of old. Caught by {@code readsTheRequestedBytes}. */
  @Test
  void readsBigEndian() throws IOException {
    assertThat(
            caught(
                reading(
                    (source, tensor, offset, length) ->
                        source.read(tensor, offset, length).duplicate())))
        .containsExactly("readsTheRequestedBytes");
  }

  /** Starts at the first byte always. Caught by {@code piecesEqualTheWhole}. */
  @Test
  void forgetsTheOffset() throws IOException {
    assertThat(caught(reading((source, tensor, offset, length) -> source.read(tensor, 0, length))))
        .containsExactly("piecesEqualTheWhole");
  }

  /** Takes every weight to have its rows first. Caught by {@code rowsEqualTheBytes}. */
  @Test
  void forgetsTheRowAxis() {
    assertRowsAreSeen(
        (source, matrix, rows, into) -> {
          int cell = matrix.tensor().type().cellBytes();
          int numbers = rows.height() * (int) matrix.columnCount();
          long from = rows.first() * matrix.columnCount() * cell;
          FloatBytes.widen(
              matrix.tensor().type(),
              source.read(matrix.tensor(), from, numbers * cell),
              into,
              0,
              numbers);
        },
        "along axis 1 of w has");
  }

  /** Fills the array to its end. Caught by {@code rowsEqualTheBytes}. */
  @Test
  void writesBeyondTheRows() {
    assertRowsAreSeen(
        (source, matrix, rows, into) -> {
          Arrays.fill(into, 0);
          source.readRows(matrix, rows, into);
        },
        "of w changed elements after them");
  }

  private interface ReadRows {
    void read(ModelSource source, WeightMatrix matrix, RowRange rows, float[] into)
        throws IOException;
  }

  /** The law sees the fault of a source of a 3-D tensor, and nothing in a sound source. */
  private static void assertRowsAreSeen(ReadRows read, String detail) {
    MemoryModel model = MemoryModel.named("rows.memory").sines("w", 3, 4, 2).build();
    InputFormatDetector sound = new MemoryFormat(model);
    InputFormatDetector broken =
        new ForwardingDetector(sound) {
          @Override
          public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
              throws IOException {
            ModelSource source = super.open(input, limits, options);
            return new ForwardingSource(source) {
              @Override
              public void readRows(WeightMatrix matrix, RowRange rows, float[] into)
                  throws IOException {
                read.read(source, matrix, rows, into);
              }
            };
          }
        };
    assertThatThrownBy(() -> ReadingLaws.rowsEqualTheBytes(new SourceCase(broken, model.input())))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("rowsEqualTheBytes"))
        .hasMessageContaining(detail);
    ReadingLaws.rowsEqualTheBytes(new SourceCase(sound, model.input()));
  }

  /** Swallows NaN. Caught by {@code readsTheWrittenBytes}. */
  @Test
  void swallowsNaN() throws IOException {
    InputFormatDetector broken =
        reading(
            (source, tensor, offset, length) -> {
              ByteBuffer sound = source.read(tensor, offset, length);
              ByteBuffer copy = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
              copy.put(sound).flip();
              for (int i = (int) (-offset & 3); i + Float.BYTES <= length; i += Float.BYTES) {
                copy.putFloat(i, Float.isNaN(copy.getFloat(i)) ? 0 : copy.getFloat(i));
              }
              return copy.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
            });
    SourceCase c = BrokenDetectorsTest.own(broken, folder);
    assertThatThrownBy(() -> ReadingLaws.readsTheWrittenBytes(c, FlatFormat.truth()))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("readsTheWrittenBytes"));
    ReadingLaws.readsTheWrittenBytes(
        BrokenDetectorsTest.own(new FlatFormat(), folder), FlatFormat.truth());
  }

  /** Names a tensor twice. Caught by {@code tensorNamesAreUnique}. */
  @Test
  void namesTensorsTwice() throws IOException {
    assertThat(
            caught(
                wrapping(
                    source ->
                        new ForwardingSource(source) {
                          @Override
                          public ModelInfo info() {
                            List<TensorInfo> twice = new ArrayList<>(super.info().tensors());
                            twice.addAll(super.info().tensors());
                            return super.info().withTensors(twice);
                          }
                        })))
        .containsExactly("tensorNamesAreUnique");
  }

  /** Counts how often it was opened. Caught by {@code openingRepeats}. */
  @Test
  void countsItsOpenings() throws IOException {
    AtomicInteger opened = new AtomicInteger();
    assertThat(
            caught(
                wrapping(
                    source -> {
                      int number = opened.incrementAndGet();
                      return new ForwardingSource(source) {
                        @Override
                        public ModelInfo info() {
                          return super.info()
                              .withMetadata(Map.of("opened", String.valueOf(number)));
                        }
                      };
                    })))
        .containsExactly("openingRepeats");
  }

  /** Insists on being closed once. Caught by {@code closeIsIdempotent}. */
  @Test
  void closesOnce() throws IOException {
    assertThat(
            caught(
                wrapping(
                    source ->
                        new ForwardingSource(source) {
                          private boolean closed;

                          @Override
                          public void close() {
                            if (closed) {
                              throw new IllegalStateException("closed twice");
                            }
                            closed = true;
                            super.close();
                          }
                        })))
        .containsExactly("closeIsIdempotent");
  }

  /** Is for the thread that opened it. Caught by {@code threadsDoNotMatter}. */
  @Test
  void belongsToOneThread() throws IOException {
    assertThat(
            caught(
                wrapping(
                    source ->
                        new ForwardingSource(source) {
                          private final Thread owner = Thread.currentThread();

                          @Override
                          public ByteBuffer read(TensorInfo tensor, long offset, int length)
                              throws IOException {
                            if (owner != Thread.currentThread()) {
                              throw new IllegalStateException("a position is shared");
                            }
                            return super.read(tensor, offset, length);
                          }
                        })))
        .containsExactly("threadsDoNotMatter");
  }

  /** Leaves an index beside the model. Caught by {@code readingChangesNothing}. */
  @Test
  void leavesAnIndex() throws IOException {
    FlatFormat broken =
        new FlatFormat() {
          @Override
          public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
              throws IOException {
            ModelSource source = super.open(input, limits);
            if (input instanceof ModelInput.OfPath of) {
              Files.writeString(of.path().resolveSibling("index"), source.info().name());
            }
            return source;
          }
        };
    assertThat(caught(broken)).containsExactly("readingChangesNothing");
  }

  private Set<String> caught(InputFormatDetector format) throws IOException {
    return Caught.by(SourceLaws.all(), List.of(BrokenDetectorsTest.own(format, folder)));
  }

  private interface Read {
    ByteBuffer read(ModelSource source, TensorInfo tensor, long offset, int length)
        throws IOException;
  }

  private static InputFormatDetector reading(Read read) {
    return wrapping(
        source ->
            new ForwardingSource(source) {
              @Override
              public ByteBuffer read(TensorInfo tensor, long offset, int length)
                  throws IOException {
                return read.read(source, tensor, offset, length);
              }
            });
  }

  private static InputFormatDetector wrapping(UnaryOperator<ModelSource> wrapping) {
    return new FlatFormat() {
      @Override
      public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
        return wrapping.apply(super.open(input, limits));
      }
    };
  }
}
