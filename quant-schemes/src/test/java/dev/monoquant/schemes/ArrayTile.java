package dev.monoquant.schemes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Rows;
import dev.monoquant.tile.Tile;
import java.util.Arrays;

/** Rows of a weight that lies in an array. */
final class ArrayTile implements Tile, AutoCloseable {

  private final Rows rows;
  private final long firstRow;
  private final int height;
  private final float[] values;
  private NDManager manager;
  private NDArray array;

  ArrayTile(Rows rows, float[] weight, int firstRow, int height) {
    this.rows = rows;
    this.firstRow = firstRow;
    this.height = height;
    int cols = (int) rows.cols();
    // Longer than needed, as it may be: nobody may look at what is beyond.
    this.values =
        Arrays.copyOf(
            Arrays.copyOfRange(weight, firstRow * cols, (firstRow + height) * cols),
            height * cols + 3);
    Arrays.fill(values, height * cols, values.length, Float.NaN);
  }

  @Override
  public Rows rows() {
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
    return (int) rows.cols();
  }

  @Override
  public ElementType sourceType() {
    return rows.tensor().type();
  }

  @Override
  public float[] values() {
    return values;
  }

  @Override
  public NDArray array() {
    if (array == null) {
      manager = NDManager.newBaseManager("PyTorch");
      array = manager.create(Arrays.copyOf(values, height * cols()), new Shape(height, cols()));
    }
    return array;
  }

  /** The manager of {@link #array()}; null if nobody asked for it. */
  NDManager manager() {
    return manager;
  }

  @Override
  public void close() {
    if (manager != null) {
      manager.close();
    }
  }
}
