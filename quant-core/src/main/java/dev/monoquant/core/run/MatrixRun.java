package dev.monoquant.core.run;

import dev.monoquant.core.work.TileBuffers;
import java.io.IOException;
import java.util.List;

/**
 * The processing of one weight matrix for all outputs that quantize it: each tile is read once and
 * then encoded for one after the other, so that a thread holds one tile, as for a single output.
 * Thread-safe.
 */
final class MatrixRun {

  private final RowReader reader;
  private final int height;
  private final List<WeightRun> runs;

  /**
   * @param reader reads the matrix
   * @param height the rows of a tile
   * @param runs those that take numbers as they are before those that clamp
   */
  MatrixRun(RowReader reader, int height, List<WeightRun> runs) {
    this.reader = reader;
    this.height = height;
    this.runs = runs;
  }

  /**
   * Reads a tile, and quantizes, checks, decodes, measures and writes it for every output.
   *
   * @param buffers the calling thread's own
   */
  void process(int tileIndex, TileBuffers buffers) throws IOException {
    long firstRow = (long) tileIndex * height;
    int rows = (int) Math.min(height, reader.rows().rowCount() - firstRow);
    float[] original = buffers.original(rows * reader.cols());
    long overflow = reader.readAll(firstRow, rows, original);
    NonFinites replaced = NonFinites.NONE;
    boolean clamped = false;
    for (WeightRun run : runs) {
      if (!run.clamps()) {
        reader.requireFloat32(overflow);
      } else if (!clamped) {
        replaced = NonFiniteScan.clamp(original, reader.rows(), firstRow, rows);
        clamped = true;
      }
      run.process(tileIndex, firstRow, rows, original, replaced, buffers);
    }
  }
}
