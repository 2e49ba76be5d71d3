package dev.monoquant.tile;

import dev.monoquant.model.RowRange;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * The parts of a quantized block of rows, as bytes.
 *
 * <p>Each part holds its cells in row-major order, {@link
 * dev.monoquant.model.ElementType#cellBytes()} bytes per cell, little-endian: a code below 8 bits
 * takes one byte, sign-extended if its type is signed. Tiled parts hold the cells of the rows
 * {@code firstRow} to {@code firstRow + height - 1}; whole parts hold all their cells.
 *
 * <p>The tile takes the arrays without copying: the caller must not change them afterwards.
 */
public final class EncodedTile {

  private final long firstRow;
  private final int height;
  private final Map<String, byte[]> parts;

  /**
   * Makes a tile from parts.
   *
   * @param firstRow the first row
   * @param height the number of rows
   * @param parts the bytes of each part by its name; the map is copied, the arrays are not
   */
  public EncodedTile(long firstRow, int height, Map<String, byte[]> parts) {
    this.firstRow = firstRow;
    this.height = height;
    this.parts = new LinkedHashMap<>(parts);
  }

  /**
   * {@return the result for that tile}
   *
   * @param tile the tile that was quantized
   * @param parts the bytes of each part
   */
  public static EncodedTile of(Tile tile, Map<String, byte[]> parts) {
    return new EncodedTile(tile.firstRow(), tile.height(), parts);
  }

  /** {@return the first row} */
  public long firstRow() {
    return firstRow;
  }

  /** {@return the number of rows} */
  public int height() {
    return height;
  }

  /** {@return the names of the parts in this tile} */
  public Set<String> names() {
    return Set.copyOf(parts.keySet());
  }

  /**
   * {@return the bytes of a part, not a copy; do not change them}
   *
   * @param name the name of a part
   * @throws NoSuchElementException if this tile has no part of that name
   */
  public byte[] part(String name) {
    byte[] bytes = parts.get(name);
    if (bytes == null) {
      throw new NoSuchElementException("no part " + name + " in a tile of " + parts.keySet());
    }
    return bytes;
  }

  /**
   * {@return the value of one cell, as {@link Part#toFloats} decodes it}
   *
   * @param part a part of this tile
   * @param cell the index of the cell in this tile
   * @throws IndexOutOfBoundsException if the part has fewer cells
   */
  public float floatAt(Part part, int cell) {
    int size = part.type().cellBytes();
    return part.toFloats(Arrays.copyOfRange(part(part.name()), cell * size, (cell + 1) * size))[0];
  }

  /**
   * {@return a tile with the parts of this one and further ones}
   *
   * @param more the bytes of further parts
   */
  public EncodedTile with(Map<String, byte[]> more) {
    if (more.isEmpty()) {
      return this;
    }
    Map<String, byte[]> all = new LinkedHashMap<>(parts);
    all.putAll(more);
    return new EncodedTile(firstRow, height, all);
  }

  /**
   * The part of this tile that holds some of its rows.
   *
   * @param encoding the encoding of the weight
   * @param rows rows of this tile that start and end at cell boundaries
   * @return copies of their cells, and all whole parts of this tile
   */
  public EncodedTile slice(Encoding encoding, RowRange rows) {
    Map<String, byte[]> some = new LinkedHashMap<>(parts);
    for (Part part : encoding.parts()) {
      if (part.extent() instanceof Part.Grid grid) {
        byte[] cells = part(part.name());
        int rowBytes = cells.length / Math.toIntExact(grid.cellRows(height));
        int from = Math.toIntExact((rows.first() - firstRow) / grid.rowsPerCell() * rowBytes);
        int length = Math.toIntExact(grid.cellRows(rows.height()) * rowBytes);
        some.put(part.name(), Arrays.copyOfRange(cells, from, from + length));
      }
    }
    return new EncodedTile(rows.first(), rows.height(), some);
  }
}
