package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rows that have a place for each expert, read and written expert by expert.
 *
 * @param inner the same parts for a matrix with the rows of all experts one below the other
 * @param rows the rows of one expert
 * @param experts the experts
 */
record SideBySide(WeightLayout inner, long rows, int experts) implements WeightLayout {

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange range, Source source) throws IOException {
    requireRows(range.first(), range.end());
    Map<String, byte[]> parts = new HashMap<>();
    for (int expert = 0; expert < experts; expert++) {
      RowRange own = new RowRange(expert * rows + range.first(), range.height());
      EncodedTile tile = inner.read(own, source);
      for (String name : tile.names()) {
        byte[] cells = tile.part(name);
        int width = cells.length / range.height();
        byte[] all =
            parts.computeIfAbsent(name, n -> new byte[Math.multiplyExact(cells.length, experts)]);
        for (int row = 0; row < range.height(); row++) {
          System.arraycopy(cells, row * width, all, (row * experts + expert) * width, width);
        }
      }
    }
    return new EncodedTile(range.first(), range.height(), parts);
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        requireRows(tile.firstRow(), tile.firstRow() + tile.height());
        for (int expert = 0; expert < experts; expert++) {
          Map<String, byte[]> parts = new HashMap<>();
          for (String name : tile.names()) {
            byte[] all = tile.part(name);
            int width = all.length / tile.height() / experts;
            byte[] cells = new byte[width * tile.height()];
            for (int row = 0; row < tile.height(); row++) {
              System.arraycopy(all, (row * experts + expert) * width, cells, row * width, width);
            }
            parts.put(name, cells);
          }
          writer.writeTile(new EncodedTile(expert * rows + tile.firstRow(), tile.height(), parts));
        }
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }

  private void requireRows(long first, long end) {
    if (end > rows) {
      throw new IllegalArgumentException("rows " + first + " to " + end + " of " + rows);
    }
  }
}
