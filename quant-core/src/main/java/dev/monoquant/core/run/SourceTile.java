package dev.monoquant.core.run;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Gives a plugin copies of one row block, made on request. A plugin has no other access to the
 * user's data. The pipeline keeps the original numbers, which it needs to measure the error.
 */
final class SourceTile implements Tile, AutoCloseable {

  private final WeightMatrix rows;
  private final long firstRow;
  private final int height;
  private final int cols;
  private final float[] pristine;
  private final TileBuffers buffers;
  private float @Nullable [] values;
  private @Nullable NDManager manager;
  private @Nullable NDArray array;

  SourceTile(
      WeightMatrix rows,
      long firstRow,
      int height,
      int cols,
      float[] pristine,
      TileBuffers buffers) {
    this.rows = rows;
    this.firstRow = firstRow;
    this.height = height;
    this.cols = cols;
    this.pristine = pristine;
    this.buffers = buffers;
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
    return rows.tensor().type();
  }

  @Override
  public float[] values() {
    if (values == null) {
      values = buffers.handedOut(height * cols);
      System.arraycopy(pristine, 0, values, 0, height * cols);
    }
    return values;
  }

  @Override
  public NDArray array() {
    if (array == null) {
      // A direct buffer becomes the array's memory without another copy; the manager keeps it
      // alive.
      ByteBuffer data =
          ByteBuffer.allocateDirect(Math.multiplyExact(height * cols, Float.BYTES))
              .order(ByteOrder.nativeOrder());
      data.asFloatBuffer().put(pristine, 0, height * cols);
      manager = NDManager.newBaseManager();
      array = manager.create(data, new Shape(height, cols), DataType.FLOAT32);
    }
    return array;
  }

  @Override
  public void close() {
    if (manager != null) {
      manager.close();
    }
  }
}
