package dev.monoquant.layout;

import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout.Sink;
import dev.monoquant.layout.WeightLayout.Source;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One part of a weight, stored in its own tensor, see {@link TensorPerPart}. Immutable. */
final class PartTensor {

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
        new TensorInfo(storage.tensor(), packing.type(cell), shape(cells), matrix.tensor().shard());
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

  Part part() {
    return part;
  }

  TensorInfo tensor() {
    return tensor;
  }

  Writer writer(Sink sink) {
    return new Writer(sink);
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
  final class Writer {

    private final Sink sink;
    private byte @Nullable [] collected;
    private long rowsLeft = matrix.rowCount();

    private Writer(Sink sink) {
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

    private void writeRuns(WeightMatrix.Runs runs, RowRange rows, byte[] cells) throws IOException {
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
     * Called after a tile is stored, so that the thread with the last tile sees the cells stored by
     * other threads.
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
          System.arraycopy(elements, (row * across + i) * unit, out, (i * down + row) * unit, unit);
        }
      }
      return out;
    }
  }
}
