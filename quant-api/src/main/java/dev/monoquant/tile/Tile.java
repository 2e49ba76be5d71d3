package dev.monoquant.tile;

import ai.djl.ndarray.NDArray;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;

/**
 * A block of consecutive rows of a weight, as a private copy of the caller's numbers.
 *
 * <p>The numbers are float32, whatever the weight's own type: FLOAT16 and BFLOAT16 widen exactly,
 * FLOAT64 is rounded to nearest (a finite double that would become infinite is refused before it
 * gets here). They are offered in two ways, as a plain array and as an {@code NDArray}; each is
 * made at first use, and they share nothing. A plugin may write into either: neither the model nor
 * any other tile sees it.
 *
 * <p>A tile is valid until the call that received it returns; keep nothing of it. It is used by one
 * thread at a time.
 */
public interface Tile {

  /** {@return the weight this is a block of} */
  WeightMatrix rows();

  /** {@return the first row, a multiple of the encoding's {@link Encoding#rowAlignment()}} */
  long firstRow();

  /** {@return the number of rows here, at least 1} */
  int height();

  /** {@return the number of columns, that of the weight} */
  int cols();

  /**
   * {@return the weight's own element type; schemes that follow a peer compute in its precision}
   */
  ElementType sourceType();

  /**
   * The numbers in row-major order: row r, column c at {@code r * cols() + c}.
   *
   * @return an array of at least {@code height() * cols()} elements, the same at each call;
   *     elements beyond are undefined
   */
  float[] values();

  /**
   * The numbers as FLOAT32 of shape (height, cols). The first call in a JVM starts the engine.
   *
   * @return the array, the same at each call; its manager is a sub-manager of this tile alone, and
   *     everything attached to it is closed when the call that received the tile returns
   */
  NDArray array();
}
