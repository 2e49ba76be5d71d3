package dev.monoquant.testkit.fakes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tile over values in memory, with the same rules as the pipeline's tiles: both views are created
 * at first use, share no memory with each other or with the given values, and are invalid after
 * {@link #close}.
 *
 * <p>Uses no native memory before {@link #array()} is called. For use by one thread at a time.
 */
public final class MemoryTile implements Tile, AutoCloseable {

  private final WeightMatrix rows;
  private final long firstRow;
  private final int height;
  private final float[] numbers;
  private final int slack;
  private float @Nullable [] values;
  private @Nullable NDArray array;
  private @Nullable NDManager manager;
  private boolean closed;

  private MemoryTile(WeightMatrix rows, long firstRow, int height, float[] numbers, int slack) {
    this.rows = rows;
    this.firstRow = firstRow;
    this.height = height;
    this.numbers = numbers;
    this.slack = slack;
  }

  /**
   * A tile of some rows.
   *
   * @param rows the weight
   * @param firstRow the first row
   * @param numbers row-major, whole rows; copied
   * @return the tile; the caller closes it
   */
  public static MemoryTile of(WeightMatrix rows, long firstRow, float... numbers) {
    int height = Math.toIntExact(numbers.length / rows.columnCount());
    if (height < 1 || height * rows.columnCount() != numbers.length) {
      throw new IllegalArgumentException(
          "%d numbers are no whole rows of %d columns"
              .formatted(numbers.length, rows.columnCount()));
    }
    return new MemoryTile(rows, firstRow, height, numbers.clone(), 0);
  }

  /**
   * The same tile with a longer array, like the pipeline's reused buffers; the additional elements
   * are NaN.
   *
   * @param elements the number of additional elements
   * @return another tile; the caller closes it
   */
  public MemoryTile withSlack(int elements) {
    return new MemoryTile(rows, firstRow, height, numbers, elements);
  }

  @Override
  public WeightMatrix rows() {
    return rows;
  }

  @Override
  public long firstRow() {
    return firstRow;
  }

  @Override
  public int height() {
    return height;
  }

  @Override
  public int cols() {
    return Math.toIntExact(rows.columnCount());
  }

  @Override
  public ElementType sourceType() {
    return rows.tensor().type();
  }

  @Override
  public float[] values() {
    requireOpen();
    if (values == null) {
      values = Arrays.copyOf(numbers, numbers.length + slack);
      Arrays.fill(values, numbers.length, values.length, Float.NaN);
    }
    return values;
  }

  @Override
  public NDArray array() {
    requireOpen();
    if (array == null) {
      manager = NDManager.newBaseManager();
      array = manager.create(numbers, new Shape(height, cols()));
    }
    return array;
  }

  /** {@return the array of {@link #array()}, empty if it was not called} */
  public Optional<NDArray> arrayIfAsked() {
    return Optional.ofNullable(array);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "the tile at row %d of %s is used after the call that received it returned"
              .formatted(firstRow, rows.tensor().name()));
    }
  }

  /**
   * Closes the tile: its array and everything computed from it are freed, and its values become
   * NaN, so that later use is detected.
   */
  @Override
  public void close() {
    closed = true;
    if (values != null) {
      Arrays.fill(values, Float.NaN);
    }
    if (manager != null) {
      manager.close();
    }
  }
}
