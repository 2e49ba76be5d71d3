package dev.monoquant.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Tile;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/** Rows of a weight of floats, which gives a scheme a copy of its values, as a run does. */
final class CopiedTile implements Tile, AutoCloseable {

  private final WeightMatrix rows;
  private final float[] weight;
  private final int firstRow;
  private final int height;
  private final int cols;
  private final float[] handed;
  private boolean copied;
  private @Nullable NDManager manager;

  /**
   * @param weight the numbers of all rows
   * @param handed receives the values when they are asked for
   */
  CopiedTile(WeightMatrix rows, float[] weight, int firstRow, int height, float[] handed) {
    this.rows = rows;
    this.weight = weight;
    this.firstRow = firstRow;
    this.height = height;
    this.cols = handed.length / height;
    this.handed = handed;
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
    return cols;
  }

  @Override
  public ElementType sourceType() {
    return ElementType.FLOAT32;
  }

  @Override
  public float[] values() {
    if (!copied) {
      System.arraycopy(weight, firstRow * cols, handed, 0, handed.length);
      copied = true;
    }
    return handed;
  }

  @Override
  public NDArray array() {
    NDManager own = NDManager.newBaseManager("PyTorch");
    manager = own;
    FloatBuffer numbers = FloatBuffer.wrap(weight, firstRow * cols, handed.length);
    return own.create(numbers, new Shape(height, cols));
  }

  @Override
  public void close() {
    if (manager != null) {
      manager.close();
    }
  }
}
