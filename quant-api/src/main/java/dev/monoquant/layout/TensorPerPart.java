package dev.monoquant.layout;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * Stores each part of a weight in its own tensor, as its {@link Storage} defines.
 *
 * <p>The cells of a tiled part form a matrix; the cells of a whole part form lines along its last
 * axis. Example: a part of 3 x 2 cells a to f, with two cells in an element:
 *
 * <pre>
 *               cells     stored elements       written
 *               a b
 * Order.ROWS    c d       ab | cd | ef          line by line, with each tile
 *               e f
 *
 * Order.COLUMNS           ac bd | e. f.         when all rows are written
 *
 * Order.TENSOR            a c e | b d f         if the rows are axis 1 of the weight's tensor
 *
 * Order.TRANSPOSED_ROWS      ab cd ef           when all rows are written; with one cell in an
 *                                               element: a c e | b d f
 *
 * Order.TRANSPOSED_COLUMNS   ac e. | bd f.      when all rows are written
 * </pre>
 *
 * <p>{@link Order#ROWS} has shape (cell rows, elements of a row); if an element is a cell and the
 * part has a cell for each element of the weight, the shape is the row axis of the weight followed
 * by its other axes. {@link Order#COLUMNS} has shape (elements of a column, cell columns). {@link
 * Order#TENSOR} has the shape of the weight. The transposed orders have the two dimensions
 * exchanged.
 *
 * <p>Cells that arrive in another order than the tensor's are collected in memory if the tensor has
 * at most 64 MiB; a larger tensor is written in pieces.
 */
public final class TensorPerPart implements WeightLayout {

  /** The order in which the cells of a tiled part are stored. */
  public enum Order {
    /** Row by row; a line is a row of cells. */
    ROWS,
    /** A line is a column of cells; the first elements of all lines come first. */
    COLUMNS,
    /** A cell for each element of the weight, in the axis order of its tensor; never packed. */
    TENSOR,
    /** A line is a row of cells, and a column of the tensor. */
    TRANSPOSED_ROWS,
    /** A line is a column of cells, and a row of the tensor. */
    TRANSPOSED_COLUMNS;

    /** {@return whether cells are packed along the columns of the part} */
    boolean linesAreColumns() {
      return this == COLUMNS || this == TRANSPOSED_COLUMNS;
    }

    /** {@return whether the elements of a line are stored one below the other} */
    boolean transposed() {
      return this == TRANSPOSED_ROWS || this == TRANSPOSED_COLUMNS;
    }

    /** {@return the same order if each element is a cell: it then has no lines} */
    Order ofCells() {
      return this == COLUMNS ? ROWS : this == TRANSPOSED_COLUMNS ? TRANSPOSED_ROWS : this;
    }
  }

  /**
   * Where and how a part is stored.
   *
   * @param tensor the name of its tensor
   * @param packing how a line of cells is packed
   * @param order the order of the cells
   */
  public record Storage(String tensor, Packing packing, Order order) {

    /**
     * Rows of cells, one after the other.
     *
     * @param tensor the name of the tensor
     * @param packing how a row of cells is packed
     */
    public Storage(String tensor, Packing packing) {
      this(tensor, packing, Order.ROWS);
    }
  }

  private final WeightMatrix matrix;
  private final Encoding encoding;
  private final Map<String, PartTensor> parts = new LinkedHashMap<>();

  /**
   * Makes the layout of a weight.
   *
   * @param matrix the weight
   * @param encoding its parts
   * @param storage how each part is stored
   * @throws IllegalArgumentException if a part cannot be stored in this way
   * @throws ArithmeticException if the size of a tensor exceeds 63 bits
   */
  public TensorPerPart(WeightMatrix matrix, Encoding encoding, Function<Part, Storage> storage) {
    this.matrix = matrix;
    this.encoding = encoding;
    for (Part part : encoding.parts()) {
      parts.put(part.name(), new PartTensor(matrix, part, storage.apply(part)));
    }
  }

  /**
   * {@return a layout with unpacked cells; the parts of {@code fc.weight} become tensors such as
   * {@code fc.weight/codes}}
   *
   * @param matrix the weight
   * @param encoding its parts
   */
  public static TensorPerPart ofCells(WeightMatrix matrix, Encoding encoding) {
    String name = matrix.tensor().name();
    return new TensorPerPart(
        matrix, encoding, part -> new Storage(name + "/" + part.name(), Packing.CELLS));
  }

  @Override
  public List<TensorInfo> tensors() {
    return parts.values().stream().map(PartTensor::tensor).toList();
  }

  /**
   * {@return the tensor that holds a part}
   *
   * @param part the name of a part
   * @throws NoSuchElementException if there is no part of that name
   */
  public TensorInfo tensor(String part) {
    PartTensor found = parts.get(part);
    if (found == null) {
      throw new NoSuchElementException("no part " + part + " in " + parts.keySet());
    }
    return found.tensor();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    encoding.checkRows(matrix, rows);
    Map<String, byte[]> read = new LinkedHashMap<>();
    for (PartTensor part : parts.values()) {
      read.put(part.part().name(), part.read(rows, source));
    }
    return new EncodedTile(rows.first(), rows.height(), read);
  }

  @Override
  public Writer writer(Sink sink) {
    List<PartTensor.Writer> tiled = new ArrayList<>();
    List<PartTensor.Writer> whole = new ArrayList<>();
    for (PartTensor part : parts.values()) {
      (part.part().tiled() ? tiled : whole).add(part.writer(sink));
    }
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        RowRange rows = new RowRange(tile.firstRow(), tile.height());
        encoding.checkRows(matrix, rows);
        for (PartTensor.Writer part : tiled) {
          part.write(rows, tile.part(part.name()));
        }
      }

      @Override
      public void writeWhole(Map<String, byte[]> cells) throws IOException {
        for (PartTensor.Writer part : whole) {
          byte[] own = cells.get(part.name());
          if (own == null) {
            throw new IllegalArgumentException(
                "no part "
                    + part.name()
                    + " of "
                    + matrix.tensor().name()
                    + " among "
                    + cells.keySet());
          }
          part.write(new RowRange(0, 0), own);
        }
      }
    };
  }
}
