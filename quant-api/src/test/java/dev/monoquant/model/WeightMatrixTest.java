package dev.monoquant.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Every axis of every rank: where rows lie, and reading them, against an odometer. */
class WeightMatrixTest {

  private static final List<ElementType> TYPES =
      List.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32, ElementType.FLOAT64);

  private static WeightMatrix matrix(Random random, int rank) {
    long[] dims = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      dims[axis] = random.nextInt(20) == 0 ? 0 : 1L + random.nextInt(rank < 3 ? 40 : 6);
    }
    TensorInfo tensor =
        new TensorInfo("w", TYPES.get(random.nextInt(TYPES.size())), TensorShape.of(dims));
    return new WeightMatrix("l", LayerKind.LINEAR, "w", tensor, random.nextInt(rank));
  }

  private static RowRange range(Random random, WeightMatrix matrix) {
    int rows = (int) matrix.rowCount();
    int first = random.nextInt(rows + 1);
    return new RowRange(first, random.nextInt(rows - first + 1));
  }

  /** The index in the tensor of each cell of the matrix, row-major, one by one. */
  private static long[] indices(WeightMatrix matrix) {
    long[] dims = matrix.tensor().shape().dims();
    long[] cells = new long[(int) matrix.tensor().shape().elements()];
    long[] at = new long[dims.length];
    for (int index = 0; index < cells.length; index++) {
      long column = 0;
      for (int axis = 0; axis < dims.length; axis++) {
        column = axis == matrix.rowAxis() ? column : column * dims[axis] + at[axis];
      }
      cells[(int) (at[matrix.rowAxis()] * matrix.columnCount() + column)] = index;
      for (int axis = dims.length - 1; axis >= 0 && ++at[axis] == dims[axis]; axis--) {
        at[axis] = 0;
      }
    }
    return cells;
  }

  private static float value(long index) {
    return index % 251 - 100;
  }

  @Property
  void runsHoldTheRows(@ForAll Random random, @ForAll @IntRange(min = 1, max = 5) int rank) {
    WeightMatrix matrix = matrix(random, rank);
    RowRange rows = range(random, matrix);
    int cols = (int) matrix.columnCount();
    long[] indices = indices(matrix);
    WeightMatrix.Runs runs = matrix.runs(rows);
    float[] numbers = new float[rows.height() * cols];
    List<Long> expected = new ArrayList<>();
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = i;
      expected.add(indices[(int) rows.first() * cols + i]);
    }
    float[] gathered = new float[runs.count() * runs.length()];
    assertThat(gathered).hasSize(numbers.length);
    runs.gather(numbers, 0, runs.count(), gathered);
    Long[] found = new Long[numbers.length];
    for (int run = 0; run < runs.count(); run++) {
      for (int i = 0; i < runs.length(); i++) {
        found[(int) gathered[run * runs.length() + i]] = runs.start(run) + i;
      }
    }
    assertThat(found).containsExactlyElementsOf(expected);
    float[] back = new float[numbers.length];
    int half = runs.count() / 2;
    float[] second = new float[(runs.count() - half) * runs.length()];
    System.arraycopy(gathered, half * runs.length(), second, 0, second.length);
    runs.scatter(gathered, 0, half, back);
    runs.scatter(second, half, runs.count() - half, back);
    assertThat(back).isEqualTo(numbers);
  }

  @Property
  void rowsAreReadWhereTheyLie(@ForAll Random random, @ForAll @IntRange(min = 1, max = 5) int rank)
      throws IOException {
    WeightMatrix matrix = matrix(random, rank);
    RowRange rows = range(random, matrix);
    int cols = (int) matrix.columnCount();
    long[] indices = indices(matrix);
    float[] expected = new float[rows.height() * cols + 1];
    expected[expected.length - 1] = Float.NaN;
    for (int i = 0; i < expected.length - 1; i++) {
      expected[i] = value(indices[(int) rows.first() * cols + i]);
    }
    float[] read = new float[expected.length];
    read[read.length - 1] = Float.NaN;
    source(matrix.tensor()).readRows(matrix, rows, read);
    assertThat(read).isEqualTo(expected);
  }

  private static ModelSource source(TensorInfo tensor) {
    float[] values = new float[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(i);
    }
    byte[] bytes = new byte[(int) tensor.bytes()];
    FloatBytes.narrow(tensor.type(), values, 0, values.length, bytes, 0);
    return new ModelSource() {
      @Override
      public ModelInfo info() {
        return ModelInfo.of("test", List.of(tensor));
      }

      @Override
      public ByteBuffer read(TensorInfo wanted, long offset, int length) {
        return ByteBuffer.wrap(bytes, (int) offset, length)
            .slice()
            .asReadOnlyBuffer()
            .order(ByteOrder.LITTLE_ENDIAN);
      }

      @Override
      public void close() {}
    };
  }

  @Test
  void rowsBeyondTheMatrixAreRefused() {
    TensorInfo tensor = new TensorInfo("w", ElementType.FLOAT32, TensorShape.of(3, 4));
    WeightMatrix matrix = new WeightMatrix("l", LayerKind.LINEAR, "w", tensor, 1);
    assertThatThrownBy(() -> matrix.runs(new RowRange(2, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows 2 to 5");
    assertThatThrownBy(() -> new RowRange(-1, 3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new RowRange(0, -3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new RowRange(Long.MAX_VALUE, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
