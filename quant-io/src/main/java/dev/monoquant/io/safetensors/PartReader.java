package dev.monoquant.io.safetensors;

import dev.monoquant.files.model.FileSource;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.files.parts.CellRows;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads tiles of the weights in our own files. Immutable and thread-safe. */
record PartReader(ModelFiles files) implements FileSource.TileReader {

  @Override
  public EncodedTile read(EncodedWeight weight, RowRange rows) throws IOException {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (PartStorage part : PartStorage.of(weight)) {
      parts.put(part.part().name(), part(part, rows.first(), rows.height()));
    }
    return new EncodedTile(rows.first(), rows.height(), parts);
  }

  private byte[] part(PartStorage part, long firstRow, int height) throws IOException {
    if (part.isScattered()) {
      return gather(part, firstRow, height);
    }
    if (!part.part().tiled()) {
      long elements = part.part().shape(0, 0).elements();
      long cells = Math.max(1, part.cellRows().cells());
      return rows(part, 0, Math.toIntExact(elements / cells));
    }
    int cellRows = Math.toIntExact(CellGrid.grid(part.part()).cellRows(height));
    return rows(part, part.cellRow(firstRow), cellRows);
  }

  private byte[] rows(PartStorage part, long first, int count) throws IOException {
    CellRows rows = part.cellRows();
    int length = Math.toIntExact(Math.multiplyExact(rows.bytes(), (long) count));
    return rows.unpack(files.read(part.tensor().name(), first * rows.bytes(), length), count);
  }

  /** The inverse of {@link PartWriter}'s scattering. */
  private byte[] gather(PartStorage part, long firstRow, int height) throws IOException {
    WeightMatrix rows = part.weight().rows();
    Runs runs = Runs.of(rows, part.part().type().cellBytes());
    byte[] out = new byte[Math.toIntExact(height * rows.cols() * runs.cellBytes())];
    int rowBytes = Math.toIntExact(runs.outer() * runs.inner());
    for (long outer = 0; outer < runs.outer(); outer++) {
      ByteBuffer run =
          files.read(
              part.tensor().name(),
              runs.offset(outer, firstRow),
              Math.toIntExact(height * runs.inner()));
      for (int row = 0; row < height; row++) {
        run.get(
            out, Math.toIntExact(row * (long) rowBytes + outer * runs.inner()), (int) runs.inner());
      }
    }
    return out;
  }

  /**
   * How consecutive rows lie in a tensor whose row axis is not the first: for each index of the
   * axes before it, one run.
   *
   * @param outer runs, the product of the axes before the row axis
   * @param rows length of the row axis
   * @param inner bytes of the axes after it
   * @param cellBytes bytes of an element
   */
  record Runs(long outer, long rows, long inner, int cellBytes) {

    static Runs of(WeightMatrix rows, int cellBytes) {
      long[] dims = rows.tensor().shape().dims();
      long outer = 1;
      long inner = cellBytes;
      for (int axis = 0; axis < dims.length; axis++) {
        if (axis < rows.rowAxis()) {
          outer *= dims[axis];
        } else if (axis > rows.rowAxis()) {
          inner *= dims[axis];
        }
      }
      return new Runs(outer, dims[rows.rowAxis()], inner, cellBytes);
    }

    /** {@return the byte where the run begins at that row} */
    long offset(long outerIndex, long row) {
      return (outerIndex * rows + row) * inner;
    }
  }
}
