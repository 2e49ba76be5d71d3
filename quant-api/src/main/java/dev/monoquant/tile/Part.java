package dev.monoquant.tile;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorShape;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;

/**
 * One of the tensors that a quantized weight consists of: its codes, its scales, a codebook.
 *
 * <p>Its {@link Extent} defines its shape: either a grid of cells over the weight's rows and
 * columns, delivered tile by tile, or a whole tensor, delivered once.
 *
 * @param name such as {@code codes} or {@code scale}; lower case, digits and underscores
 * @param type the type of one cell
 * @param extent how its cells relate to the weight
 */
public record Part(String name, ElementType type, Extent extent) {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,63}");

  /** The conventional name of the codes. */
  public static final String CODES = "codes";

  /** The conventional name of the scales. */
  public static final String SCALE = "scale";

  /** The conventional name of the zero points. */
  public static final String ZERO_POINT = "zero_point";

  /** The conventional name of the group of each column. */
  public static final String GROUP_INDEX = "group_index";

  /** The conventional name of the factor of each column. */
  public static final String COLUMN_FACTORS = "column_factors";

  /** The conventional name of the values of a cast. */
  public static final String VALUES = "values";

  /** How the cells of a part relate to the weight. */
  public sealed interface Extent {

    /**
     * {@return the part's shape}
     *
     * @param rows rows of the weight
     * @param cols columns of the weight
     */
    TensorShape shape(long rows, long cols);
  }

  /**
   * A grid with one field for each {@code rowsPerCell} x {@code colsPerCell} elements; the last
   * field of an axis covers the remainder. A field is a single cell, or a run of cells such as a
   * codebook for each row. Shape (ceil(rows / rowsPerCell), ceil(cols / colsPerCell) * width).
   *
   * @param rowsPerCell rows that share a field, at least 1
   * @param colsPerCell columns that share a field, at least 1; {@link #ALL} for all
   * @param width cells in a field, at least 1
   */
  public record Grid(int rowsPerCell, long colsPerCell, int width) implements Extent {

    /** All columns. */
    public static final long ALL = Long.MAX_VALUE;

    /** Checks that all three are at least 1. */
    public Grid {
      if (rowsPerCell < 1 || colsPerCell < 1 || width < 1) {
        throw new IllegalArgumentException(
            "a grid needs at least one row, one column and one cell, not "
                + rowsPerCell
                + " x "
                + colsPerCell
                + " with "
                + width
                + " cells");
      }
    }

    /**
     * A grid of single cells.
     *
     * @param rowsPerCell rows that share a cell, at least 1
     * @param colsPerCell columns that share a cell, at least 1; {@link #ALL} for all
     */
    public Grid(int rowsPerCell, long colsPerCell) {
      this(rowsPerCell, colsPerCell, 1);
    }

    @Override
    public TensorShape shape(long rows, long cols) {
      return TensorShape.of(cellRows(rows), cellCols(cols));
    }

    /**
     * {@return rows of cells}
     *
     * @param rows rows of the weight or of a tile of it
     */
    public long cellRows(long rows) {
      return rows / rowsPerCell + (rows % rowsPerCell == 0 ? 0 : 1);
    }

    /**
     * {@return columns of cells}
     *
     * @param cols columns of the weight
     */
    public long cellCols(long cols) {
      long fields = cols / colsPerCell + (cols % colsPerCell == 0 ? 0 : 1);
      return Math.multiplyExact(fields, width);
    }
  }

  /**
   * A tensor with its own shape, delivered once by {@link
   * dev.monoquant.spi.TileQuantizer#tensorParts()}.
   *
   * @param own the part's shape
   */
  public record Whole(TensorShape own) implements Extent {
    @Override
    public TensorShape shape(long rows, long cols) {
      return own;
    }
  }

  /** Checks the name. */
  public Part {
    requireNonNull(type, "type");
    requireNonNull(extent, "extent");
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "part name " + name + ": lower case letters, digits and _ are allowed, such as scale");
    }
  }

  /**
   * {@return a part with a cell for each element: (rows, cols)}
   *
   * @param name the name
   * @param type the type of one cell
   */
  public static Part perElement(String name, ElementType type) {
    return new Part(name, type, new Grid(1, 1));
  }

  /**
   * {@return a part with a cell for each row: (rows, 1)}
   *
   * @param name the name
   * @param type the type of one cell
   */
  public static Part perRow(String name, ElementType type) {
    return new Part(name, type, new Grid(1, Grid.ALL));
  }

  /**
   * {@return a part with a cell for each group: (rows, ceil(cols / size))}
   *
   * @param name the name
   * @param type the type of one cell
   * @param size columns in a group
   */
  public static Part perGroup(String name, ElementType type, long size) {
    return new Part(name, type, new Grid(1, size));
  }

  /**
   * {@return a part with a run of cells for each row, such as a codebook: (rows, width)}
   *
   * @param name the name
   * @param type the type of one cell
   * @param width cells for a row
   */
  public static Part runPerRow(String name, ElementType type, int width) {
    return new Part(name, type, new Grid(1, Grid.ALL, width));
  }

  /**
   * {@return a part with a cell for each block: (ceil(rows / blockRows), ceil(cols / blockCols))}
   *
   * @param name the name
   * @param type the type of one cell
   * @param blockRows rows in a block; tiles then come in multiples of it
   * @param blockCols columns in a block
   */
  public static Part perBlock(String name, ElementType type, int blockRows, long blockCols) {
    return new Part(name, type, new Grid(blockRows, blockCols));
  }

  /**
   * {@return a part with a single cell: (1)}
   *
   * @param name the name
   * @param type the type of one cell
   */
  public static Part perTensor(String name, ElementType type) {
    return new Part(name, type, new Whole(TensorShape.of(1)));
  }

  /**
   * {@return whether the part is delivered tile by tile; false if it is delivered once for the
   * tensor}
   */
  public boolean tiled() {
    return extent instanceof Grid;
  }

  /** {@return whether the part has a cell for each element of the weight} */
  public boolean isPerElement() {
    return extent instanceof Grid grid
        && grid.rowsPerCell() == 1
        && grid.colsPerCell() == 1
        && grid.width() == 1;
  }

  /**
   * {@return the part's shape for a weight of a size}
   *
   * @param rows rows of the weight
   * @param cols columns of the weight
   */
  public TensorShape shape(long rows, long cols) {
    return extent.shape(rows, cols);
  }

  /**
   * The size in an {@link EncodedTile}. The size of a whole part does not depend on the rows.
   *
   * @param rows rows of the tile
   * @param cols columns of the weight
   * @return bytes
   * @throws ArithmeticException if the size does not fit in 63 bits
   */
  public long tileBytes(long rows, long cols) {
    return Math.multiplyExact(shape(rows, cols).elements(), (long) type.cellBytes());
  }

  /**
   * The size with cells packed without gaps along the last axis, each row of cells rounded up to
   * whole bytes.
   *
   * @param rows rows of the weight
   * @param cols columns of the weight
   * @return bytes
   * @throws ArithmeticException if the size does not fit in 63 bits
   */
  public long packedBytes(long rows, long cols) {
    TensorShape shape = shape(rows, cols);
    long last = shape.rank() == 0 ? 1 : shape.dim(-1);
    if (last == 0) {
      return 0;
    }
    long bits = Math.multiplyExact(last, (long) type.bits());
    return Math.multiplyExact(shape.elements() / last, bits / 8 + (bits % 8 == 0 ? 0 : 1));
  }

  /**
   * Encodes values as the bytes of this part: each rounded by {@link ElementType#round},
   * little-endian, in the given order.
   *
   * @param numbers the values of the cells
   * @return the bytes, as in an {@link EncodedTile}
   * @throws IllegalArgumentException if the part's type is not a floating point type, or if a value
   *     is NaN and the type has no NaN
   */
  public byte[] toBytes(float... numbers) {
    byte[] bytes = new byte[Math.multiplyExact(numbers.length, type.cellBytes())];
    if (type.isQuantizable()) {
      FloatBytes.narrow(type, numbers, 0, numbers.length, bytes, 0);
      return bytes;
    }
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = type.encode(numbers[i]);
    }
    return bytes;
  }

  /**
   * Decodes the values of cells; the inverse of {@link #toBytes}: codes and floats exactly, FLOAT64
   * rounded to float32.
   *
   * @param cells bytes of this part, little-endian
   * @return a value for each cell; NaN where {@link ElementType#decode} returns NaN
   * @throws IllegalArgumentException if the part's type is neither a floating point type nor a code
   */
  public float[] toFloats(byte[] cells) {
    float[] numbers = new float[cells.length / type.cellBytes()];
    if (type.isQuantizable()) {
      FloatBytes.widen(type, ByteBuffer.wrap(cells), numbers, 0, numbers.length);
      return numbers;
    }
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = type.decode(cells[i]);
    }
    return numbers;
  }
}
