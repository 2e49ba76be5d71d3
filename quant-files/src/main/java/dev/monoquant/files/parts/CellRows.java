package dev.monoquant.files.parts;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;

/**
 * How the cells of a part lie in a file: those of 8 bits and more as they are, little-endian; those
 * below 8 bits packed along each row of cells, element i at bit {@code i * bits} of the row's
 * bytes, least significant bit first, two's complement if signed, each row rounded up to whole
 * bytes. Of a whole part the last axis is the row.
 *
 * @param type the type of a cell
 * @param cells cells in a row
 */
public record CellRows(ElementType type, int cells) {

  /**
   * {@return the rows of a part}
   *
   * @param part a part
   * @param rows the weight that it is of
   */
  public static CellRows of(Part part, WeightMatrix rows) {
    TensorShape shape = part.shape(rows.rows(), rows.cols());
    return new CellRows(part.type(), Math.toIntExact(shape.rank() == 0 ? 1 : shape.dim(-1)));
  }

  /** {@return whether several cells may share a byte} */
  public boolean isPacked() {
    return type.bits() < 8;
  }

  /** {@return bytes of a row in the file} */
  public long bytes() {
    return isPacked()
        ? BitPacking.packedBytes(cells, type.bits())
        : (long) cells * type.cellBytes();
  }

  /**
   * Packs rows.
   *
   * @param unpacked whole rows as a tile has them
   * @return what the file holds; the same array if nothing is packed
   */
  public byte[] pack(byte[] unpacked) {
    if (!isPacked() || cells == 0) {
      return unpacked;
    }
    int rows = unpacked.length / cells;
    byte[] out = new byte[Math.toIntExact(rows * bytes())];
    for (int row = 0; row < rows; row++) {
      BitPacking.pack(unpacked, row * cells, cells, type.bits(), 0, out, (int) (row * bytes()));
    }
    return out;
  }

  /**
   * Unpacks rows, the inverse of {@link #pack}.
   *
   * @param stored whole rows as the file holds them
   * @param rows how many
   * @return what a tile has
   */
  public byte[] unpack(ByteBuffer stored, int rows) {
    byte[] out = new byte[Math.toIntExact((long) rows * cells * type.cellBytes())];
    if (!isPacked()) {
      stored.get(out);
      return out;
    }
    for (int row = 0; row < rows; row++) {
      BitPacking.unpack(
          stored,
          Math.toIntExact(row * bytes()),
          cells,
          type.bits(),
          0,
          // The small floats are signed too, but their bits are no two's complement.
          type.isCode() && type.signed(),
          out,
          row * cells);
    }
    return out;
  }
}
