package dev.monoquant.layout;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

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
    return parts.values().stream().map(part -> part.tensor).toList();
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
    return found.tensor;
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    encoding.checkRows(matrix, rows);
    Map<String, byte[]> read = new LinkedHashMap<>();
    for (PartTensor part : parts.values()) {
      read.put(part.part.name(), part.read(rows, source));
    }
    return new EncodedTile(rows.first(), rows.height(), read);
  }

  @Override
  public Writer writer(Sink sink) {
    List<PartTensor.PartWriter> tiled = new ArrayList<>();
    List<PartTensor.PartWriter> whole = new ArrayList<>();
    for (PartTensor part : parts.values()) {
      (part.part.tiled() ? tiled : whole).add(part.new PartWriter(sink));
    }
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        RowRange rows = new RowRange(tile.firstRow(), tile.height());
        encoding.checkRows(matrix, rows);
        for (PartTensor.PartWriter part : tiled) {
          part.write(rows, tile.part(part.name()));
        }
      }

      @Override
      public void writeWhole(Map<String, byte[]> cells) throws IOException {
        for (PartTensor.PartWriter part : whole) {
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

  /** One part of a weight, stored in its own tensor. Immutable. */
  private static final class PartTensor {

    /** Up to this size, a tensor in another order is assembled in memory and written at once. */
    private static final long COLLECT_IN_MEMORY = 64L << 20;

    private final WeightMatrix matrix;
    private final Part part;
    private final ElementType cell;
    private final Packing packing;
    private final Order order;
    private final TensorInfo tensor;

    /** Cells in a row of cells; for a whole part, cells in a line along its last axis. */
    private final int columns;

    private final long rowBytes;

    PartTensor(WeightMatrix matrix, Part part, Storage storage) {
      this.matrix = matrix;
      this.part = part;
      this.cell = part.type();
      this.packing = storage.packing();
      // If an element is a cell, columns of elements are rows of cells.
      this.order = packing.packs(cell) ? storage.order() : storage.order().ofCells();
      TensorShape cells = part.shape(matrix.rowCount(), matrix.columnCount());
      if ((order != Order.ROWS && !part.tiled())
          || (order == Order.TENSOR && (packing.packs(cell) || !part.isPerElement()))) {
        throw new IllegalArgumentException(
            "part %s of %s, extent %s, cannot be stored as %s in the order %s"
                .formatted(part.name(), matrix.tensor().name(), part.extent(), packing, order));
      }
      this.columns = Math.toIntExact(cells.rank() == 0 ? 1 : cells.dim(-1));
      this.rowBytes = packing.bytes(cell, columns);
      this.tensor =
          new TensorInfo(
              storage.tensor(), packing.type(cell), shape(cells), matrix.tensor().shard());
    }

    private TensorShape shape(TensorShape cells) {
      if (order == Order.TENSOR) {
        return matrix.tensor().shape();
      }
      if (!packing.packs(cell) && order == Order.ROWS) {
        return part.isPerElement() ? matrix.rowsFirst() : cells;
      }
      long[] dims = cells.rank() == 0 ? new long[] {1} : cells.dims();
      int axis = order.linesAreColumns() ? 0 : dims.length - 1;
      dims[axis] = packing.elements(cell, dims[axis]);
      return order.transposed() ? TensorShape.of(dims[1], dims[0]) : TensorShape.of(dims);
    }

    byte[] read(RowRange rows, Source source) throws IOException {
      byte[] cells = new byte[Math.toIntExact(part.tileBytes(rows.height(), matrix.columnCount()))];
      switch (order) {
        case ROWS -> readRows(rows, source, cells);
        case COLUMNS, TRANSPOSED_COLUMNS -> readColumns(rows, source, cells);
        case TENSOR -> readRuns(rows, source, cells);
        case TRANSPOSED_ROWS -> readTransposedRows(rows, source, cells);
      }
      return cells;
    }

    private void readRows(RowRange rows, Source source, byte[] cells) throws IOException {
      int lines = lines(cells);
      int length = Math.toIntExact(lines * rowBytes);
      ByteBuffer stored = source.read(tensor, cellRow(rows) * rowBytes, length);
      if (!packing.packs(cell)) {
        stored.get(cells);
        return;
      }
      unpackRows(stored, lines, cells);
    }

    /** Starts reading at an element boundary, at most 31 rows before the first requested row. */
    private void readColumns(RowRange rows, Source source, byte[] cells) throws IOException {
      int unit = packing.type(cell).cellBytes();
      int period = packing.period(cell);
      long first = cellRow(rows) / period * period;
      int skipped = (int) (cellRow(rows) - first);
      int height = lines(cells);
      int elements = Math.toIntExact(packing.elements(cell, skipped + height));
      long firstElement = packing.elements(cell, first);
      byte[] line = new byte[elements * unit];
      byte[] unpacked = new byte[skipped + height];
      ByteBuffer stored =
          order.transposed()
              ? ByteBuffer.allocate(0)
              : source.read(
                  tensor,
                  firstElement * columns * unit,
                  Math.multiplyExact(elements * unit, columns));
      for (int column = 0; column < columns; column++) {
        if (order.transposed()) {
          long at = column * tensor.shape().dim(1) + firstElement;
          source.read(tensor, at * unit, line.length).get(line);
        } else {
          for (int i = 0; i < elements; i++) {
            stored.get((i * columns + column) * unit, line, i * unit, unit);
          }
        }
        packing.unpack(cell, ByteBuffer.wrap(line), 0, unpacked.length, unpacked, 0);
        for (int row = 0; row < height; row++) {
          cells[row * columns + column] = unpacked[skipped + row];
        }
      }
    }

    private void readTransposedRows(RowRange rows, Source source, byte[] cells) throws IOException {
      int unit = packing.type(cell).cellBytes();
      int elements = Math.toIntExact(tensor.shape().dim(0));
      int lines = lines(cells);
      byte[] packed = packing.packs(cell) ? new byte[Math.toIntExact(lines * rowBytes)] : cells;
      for (int i = 0; i < elements; i++) {
        long at = i * tensor.shape().dim(1) + cellRow(rows);
        ByteBuffer stored = source.read(tensor, at * unit, lines * unit);
        for (int line = 0; line < lines; line++) {
          stored.get(packed, (line * elements + i) * unit, unit);
        }
      }
      if (packing.packs(cell)) {
        unpackRows(ByteBuffer.wrap(packed), lines, cells);
      }
    }

    private void unpackRows(ByteBuffer packed, int lines, byte[] cells) {
      for (int line = 0; line < lines; line++) {
        packing.unpack(
            cell, packed, Math.toIntExact(line * rowBytes), columns, cells, line * columns);
      }
    }

    private void readRuns(RowRange rows, Source source, byte[] cells) throws IOException {
      WeightMatrix.Runs runs = matrix.runs(rows);
      int width = runs.width() * cell.cellBytes();
      for (int run = 0; run < runs.count(); run++) {
        ByteBuffer stored =
            source.read(tensor, runs.start(run) * cell.cellBytes(), width * runs.height());
        for (int row = 0; row < runs.height(); row++) {
          stored.get(cells, (row * runs.count() + run) * width, width);
        }
      }
    }

    private int lines(byte[] cells) {
      return columns == 0 ? 0 : cells.length / (columns * cell.cellBytes());
    }

    /** {@return the first row of cells of these rows} */
    private long cellRow(RowRange rows) {
      return part.extent() instanceof Part.Grid grid ? rows.first() / grid.rowsPerCell() : 0;
    }

    /** Stores the part. Thread-safe. */
    final class PartWriter {

      private final Sink sink;
      private byte @Nullable [] collected;
      private long rowsLeft = matrix.rowCount();

      private PartWriter(Sink sink) {
        this.sink = sink;
      }

      String name() {
        return part.name();
      }

      /** Writes the cells of some rows; for a whole part all cells, independent of the rows. */
      void write(RowRange rows, byte[] cells) throws IOException {
        long expected = part.tileBytes(rows.height(), matrix.columnCount());
        if (cells.length != expected) {
          throw new IllegalArgumentException(
              "part %s of %s has %d bytes, %d are needed"
                  .formatted(part.name(), matrix.tensor().name(), cells.length, expected));
        }
        switch (order) {
          case ROWS -> put(cellRow(rows) * rowBytes, packedRows(cells));
          case COLUMNS, TRANSPOSED_COLUMNS, TRANSPOSED_ROWS -> {
            byte[] all = whole(part.tileBytes(matrix.rowCount(), matrix.columnCount()));
            long at = cellRow(rows) * columns * cell.cellBytes();
            System.arraycopy(cells, 0, all, Math.toIntExact(at), cells.length);
            if (isComplete(rows)) {
              put(0, order.linesAreColumns() ? packedColumns(all) : transposed(packedRows(all)));
            }
          }
          case TENSOR -> writeRuns(matrix.runs(rows), rows, cells);
        }
      }

      private void put(long offset, byte[] bytes) throws IOException {
        sink.write(tensor, offset, ByteBuffer.wrap(bytes));
      }

      private void writeRuns(WeightMatrix.Runs runs, RowRange rows, byte[] cells)
          throws IOException {
        int unit = cell.cellBytes();
        if (runs.count() == 1) {
          put(runs.start(0) * unit, cells);
        } else if (tensor.bytes() > COLLECT_IN_MEMORY) {
          byte[] piece = new byte[Math.multiplyExact(runs.length(), unit)];
          for (int run = 0; run < runs.count(); run++) {
            copyRun(runs, run, cells, piece, 0);
            put(runs.start(run) * unit, piece);
          }
        } else {
          byte[] all = whole(tensor.bytes());
          for (int run = 0; run < runs.count(); run++) {
            copyRun(runs, run, cells, all, (int) (runs.start(run) * unit));
          }
          if (isComplete(rows)) {
            put(0, all);
          }
        }
      }

      private void copyRun(WeightMatrix.Runs runs, int run, byte[] cells, byte[] to, int at) {
        int width = runs.width() * cell.cellBytes();
        for (int row = 0; row < runs.height(); row++) {
          System.arraycopy(cells, (row * runs.count() + run) * width, to, at + row * width, width);
        }
      }

      private synchronized byte[] whole(long bytes) {
        byte[] all = collected;
        if (all == null) {
          all = new byte[Math.toIntExact(bytes)];
          collected = all;
        }
        return all;
      }

      /**
       * Called after a tile is stored, so that the thread with the last tile sees the cells stored
       * by other threads.
       */
      private synchronized boolean isComplete(RowRange rows) {
        rowsLeft -= rows.height();
        if (rowsLeft == 0) {
          collected = null;
        }
        return rowsLeft == 0;
      }

      private byte[] packedRows(byte[] cells) {
        if (!packing.packs(cell)) {
          return cells;
        }
        int lines = lines(cells);
        byte[] out = new byte[Math.toIntExact(lines * rowBytes)];
        for (int line = 0; line < lines; line++) {
          int to = Math.toIntExact(line * rowBytes);
          packing.pack(cell, cells, line * columns, columns, out, to);
        }
        return out;
      }

      private byte[] packedColumns(byte[] cells) {
        int unit = packing.type(cell).cellBytes();
        int rows = lines(cells);
        byte[] unpacked = new byte[rows];
        byte[] line = new byte[Math.toIntExact(packing.bytes(cell, rows))];
        byte[] out = new byte[Math.multiplyExact(line.length, columns)];
        for (int column = 0; column < columns; column++) {
          for (int row = 0; row < rows; row++) {
            unpacked[row] = cells[row * columns + column];
          }
          Arrays.fill(line, (byte) 0);
          packing.pack(cell, unpacked, 0, rows, line, 0);
          int elements = line.length / unit;
          for (int i = 0; i < elements; i++) {
            int to = order.transposed() ? column * elements + i : i * columns + column;
            System.arraycopy(line, i * unit, out, to * unit, unit);
          }
        }
        return out;
      }

      /** Rows of elements as columns. */
      private byte[] transposed(byte[] elements) {
        int unit = packing.type(cell).cellBytes();
        int across = Math.toIntExact(tensor.shape().dim(0));
        int down = Math.toIntExact(tensor.shape().dim(1));
        byte[] out = new byte[elements.length];
        for (int row = 0; row < down; row++) {
          for (int i = 0; i < across; i++) {
            System.arraycopy(
                elements, (row * across + i) * unit, out, (i * down + row) * unit, unit);
          }
        }
        return out;
      }
    }
  }
}
