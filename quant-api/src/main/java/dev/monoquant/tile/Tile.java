package dev.monoquant.tile;

import ai.djl.ndarray.NDArray;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;

/**
 * A block of consecutive rows of a weight matrix, as a private copy.
 *
 * <p>The values are float32 for every type of weight: FLOAT16 and BFLOAT16 widen exactly, FLOAT64
 * is rounded to nearest (the framework refuses a finite double that would become infinite). They
 * are available as a plain array and as an {@code NDArray}; each is created at first use, and they
 * share no memory. A plugin may write to either without effect on the model or other tiles.
 *
 * <p>A tile is valid until the call that received it returns; do not keep references to its arrays.
 * One thread uses a tile at a time.
 */
public interface Tile {

  /** {@return the weight matrix that contains this block} */
  WeightMatrix rows();

  /** {@return the first row, a multiple of the encoding's {@link Encoding#rowAlignment()}} */
  long firstRow();

  /** {@return the number of rows in this tile, at least 1} */
  int height();

  /** {@return the number of columns, equal to that of the weight} */
  int cols();

  /**
   * {@return the weight's element type; schemes that reproduce another library compute in its
   * precision}
   */
  ElementType sourceType();

  /**
   * The values in row-major order: row r, column c at {@code r * cols() + c}.
   *
   * @return an array of at least {@code height() * cols()} elements, the same at each call;
   *     elements beyond are undefined
   */
  float[] values();

  /**
   * The values as FLOAT32 of shape (height, cols). The first call in a JVM starts the engine.
   *
   * @return the array, the same at each call; its manager belongs to this tile, and everything
   *     attached to it is closed when the call that received the tile returns
   */
  NDArray array();
}
