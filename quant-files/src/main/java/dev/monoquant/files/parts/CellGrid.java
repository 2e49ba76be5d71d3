package dev.monoquant.files.parts;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.Map;

/** The sizes of tiled parts, and what is asked of a tile before it is written. */
public final class CellGrid {

  private CellGrid() {}

  /**
   * {@return bytes of one row of cells in a tile}
   *
   * @param part a tiled part
   * @param rows the weight
   */
  public static long tileRowBytes(Part part, WeightMatrix rows) {
    return Math.multiplyExact(grid(part).cellCols(rows.cols()), (long) part.type().cellBytes());
  }

  /**
   * {@return the grid of a tiled part}
   *
   * @param part a tiled part
   */
  public static Part.Grid grid(Part part) {
    if (part.extent() instanceof Part.Grid grid) {
      return grid;
    }
    throw new IllegalArgumentException("part " + part.name() + " is not tiled");
  }

  /**
   * Checks that some rows are rows of a weight and start and end where its cells do.
   *
   * @param rows the weight
   * @param encoding its encoding
   * @param firstRow the first row
   * @param height the number of rows
   */
  public static void checkRows(WeightMatrix rows, Encoding encoding, long firstRow, int height) {
    int alignment = encoding.rowAlignment();
    boolean ends = firstRow + height == rows.rows() || height % alignment == 0;
    if (firstRow < 0
        || height < 1
        || firstRow > rows.rows() - height
        || firstRow % alignment != 0
        || !ends) {
      throw new IllegalArgumentException(
          "rows "
              + firstRow
              + " to "
              + (firstRow + height)
              + " of "
              + rows.tensor().name()
              + ", which has "
              + rows.rows()
              + "; tiles start and end at multiples of "
              + alignment);
    }
  }

  /**
   * Takes a tiled part out of a tile and checks its length.
   *
   * @param part the part
   * @param rows the weight
   * @param tile the tile
   * @return its cells
   */
  public static byte[] cells(Part part, WeightMatrix rows, EncodedTile tile) {
    long expected = grid(part).cellRows(tile.height()) * tileRowBytes(part, rows);
    return checked(part, rows, tile.part(part.name()), expected);
  }

  /**
   * Takes a whole part out of the parts of a tensor and checks its length.
   *
   * @param part the part
   * @param rows the weight
   * @param parts the bytes of all whole parts
   * @return its cells
   */
  public static byte[] whole(Part part, WeightMatrix rows, Map<String, byte[]> parts) {
    byte[] cells = parts.get(part.name());
    if (cells == null) {
      throw new IllegalArgumentException(
          "no part " + part.name() + " of " + rows.tensor().name() + " among " + parts.keySet());
    }
    long elements = part.shape(rows.rows(), rows.cols()).elements();
    return checked(part, rows, cells, elements * part.type().cellBytes());
  }

  private static byte[] checked(Part part, WeightMatrix rows, byte[] cells, long expected) {
    if (cells.length != expected) {
      throw new IllegalArgumentException(
          "part "
              + part.name()
              + " of "
              + rows.tensor().name()
              + " has "
              + cells.length
              + " bytes, "
              + expected
              + " are needed");
    }
    return cells;
  }
}
