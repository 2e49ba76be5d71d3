package dev.monoquant.io.safetensors;

import dev.monoquant.files.output.OutputFile;
import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Writes the parts of quantized weights as {@link PartStorage} says. Thread-safe. */
final class PartWriter {

  /** Up to this size a scattered tensor is put together in memory and written at once. */
  private static final long SCATTER_IN_MEMORY = 64L << 20;

  private static final class Scattered {
    final byte[] bytes;
    long rowsLeft;

    Scattered(int size, long rows) {
      this.bytes = new byte[size];
      this.rowsLeft = rows;
    }
  }

  private final OutputFile file;
  private final Map<String, Scattered> scattered = new ConcurrentHashMap<>();
  private final Map<String, List<PartStorage>> storages = new ConcurrentHashMap<>();

  PartWriter(OutputFile file) {
    this.file = file;
  }

  void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    WeightMatrix rows = weight.rows();
    CellGrid.checkRows(rows, weight.encoding(), tile.firstRow(), tile.height());
    for (PartStorage part : storage(weight)) {
      if (part.part().tiled()) {
        byte[] cells = CellGrid.cells(part.part(), rows, tile);
        if (part.isScattered()) {
          scatter(part, cells, tile);
        } else {
          file.write(
              part.tensor().name(),
              part.cellRow(tile.firstRow()) * part.cellRows().bytes(),
              ByteBuffer.wrap(part.cellRows().pack(cells)));
        }
      }
    }
  }

  void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
    for (PartStorage part : storage(weight)) {
      if (!part.part().tiled()) {
        byte[] cells = CellGrid.whole(part.part(), weight.rows(), parts);
        file.write(part.tensor().name(), 0, ByteBuffer.wrap(part.cellRows().pack(cells)));
      }
    }
  }

  private List<PartStorage> storage(EncodedWeight weight) {
    return storages.computeIfAbsent(weight.name(), name -> PartStorage.of(weight));
  }

  private void scatter(PartStorage part, byte[] cells, EncodedTile tile) throws IOException {
    WeightMatrix rows = part.weight().rows();
    String name = part.tensor().name();
    PartReader.Runs runs = PartReader.Runs.of(rows, part.part().type().cellBytes());
    if (part.tensor().bytes() > SCATTER_IN_MEMORY) {
      byte[] run = new byte[Math.toIntExact(tile.height() * runs.inner())];
      for (long outer = 0; outer < runs.outer(); outer++) {
        copyRun(runs, cells, outer, tile.height(), run, 0);
        file.write(name, runs.offset(outer, tile.firstRow()), ByteBuffer.wrap(run));
      }
      return;
    }
    Scattered whole =
        scattered.computeIfAbsent(
            name, n -> new Scattered((int) part.tensor().bytes(), rows.rows()));
    for (long outer = 0; outer < runs.outer(); outer++) {
      int at = (int) runs.offset(outer, tile.firstRow());
      copyRun(runs, cells, outer, tile.height(), whole.bytes, at);
    }
    boolean complete;
    // Also makes the bytes of all tiles visible to the thread that writes them.
    synchronized (whole) {
      whole.rowsLeft -= tile.height();
      complete = whole.rowsLeft == 0;
    }
    if (complete) {
      scattered.remove(name);
      file.write(name, 0, ByteBuffer.wrap(whole.bytes));
    }
  }

  private static void copyRun(
      PartReader.Runs runs, byte[] cells, long outer, int height, byte[] to, int at) {
    int inner = (int) runs.inner();
    int rowBytes = Math.toIntExact(runs.outer() * inner);
    for (int row = 0; row < height; row++) {
      System.arraycopy(cells, row * rowBytes + (int) (outer * inner), to, at + row * inner, inner);
    }
  }
}
