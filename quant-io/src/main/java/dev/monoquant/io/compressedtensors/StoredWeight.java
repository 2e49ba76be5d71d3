package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.parts.BitPacking;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A quantized weight in the tensors of a directory.
 *
 * @param weight what it is
 * @param codes how the codes are stored
 * @param main the tensor with the codes
 * @param scale the tensor with the scales
 * @param zeroPoint the tensor with the zero points
 * @param densePoints whether packed zero points may cross the edges of words
 */
record StoredWeight(
    EncodedWeight weight,
    Codes codes,
    ModelFiles.Located main,
    ModelFiles.Located scale,
    Optional<ModelFiles.Located> zeroPoint,
    boolean densePoints) {

  /** How codes are stored. */
  enum Codes {
    /** In 32-bit words, across their edges. */
    DENSE,
    /** In 32-bit words, as many as fit into each. */
    PADDED,
    /** A byte each. */
    BYTES
  }

  EncodedTile read(long firstRow, int height) throws IOException {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, codes(firstRow, height));
    parts.put(Part.SCALE, cells(scale, Part.SCALE, firstRow, height));
    if (zeroPoint.isPresent()) {
      parts.put(Part.ZERO_POINT, zeroPoints(zeroPoint.get(), firstRow, height));
    }
    return new EncodedTile(firstRow, height, parts);
  }

  private int bits() {
    return weight.encoding().part(Part.CODES).type().bits();
  }

  private byte[] codes(long firstRow, int height) throws IOException {
    WeightMatrix rows = weight.rows();
    int cols = Math.toIntExact(rows.cols());
    int bits = bits();
    int stride = Math.toIntExact(main.stored().bytes() / rows.rows());
    ByteBuffer stored =
        main.read(firstRow * stride, Math.toIntExact(Math.multiplyExact(height, (long) stride)));
    byte[] out = new byte[Math.toIntExact(Math.multiplyExact(height, (long) cols))];
    if (codes == Codes.BYTES) {
      stored.get(out);
      requireCodes(out);
      return out;
    }
    int flip = 1 << (bits - 1);
    int run = codes == Codes.DENSE ? cols : Integer.SIZE / bits;
    int runBytes = codes == Codes.DENSE ? stride : Integer.BYTES;
    for (int row = 0; row < height; row++) {
      for (int col = 0, at = row * stride; col < cols; col += run, at += runBytes) {
        int count = Math.min(run, cols - col);
        BitPacking.unpack(stored, at, count, bits, flip, true, out, row * cols + col);
      }
    }
    return out;
  }

  private byte[] cells(ModelFiles.Located tensor, String name, long firstRow, int height)
      throws IOException {
    Part part = weight.encoding().part(name);
    int size = Math.toIntExact(tensor.stored().bytes());
    ByteBuffer stored;
    if (part.tiled()) {
      int stride = Math.toIntExact(size / weight.rows().rows());
      stored = tensor.read(firstRow * stride, Math.multiplyExact(height, stride));
    } else {
      stored = tensor.read(0, size);
    }
    byte[] out = new byte[stored.remaining()];
    stored.get(out);
    return out;
  }

  private byte[] zeroPoints(ModelFiles.Located tensor, long firstRow, int height)
      throws IOException {
    if (tensor.stored().type().bits() == 8) {
      byte[] cells = cells(tensor, Part.ZERO_POINT, firstRow, height);
      requireCodes(cells);
      return cells;
    }
    ByteBuffer words = tensor.read(0, Math.toIntExact(tensor.stored().bytes()));
    int groups = Math.toIntExact(tensor.stored().shape().dim(1));
    return ZeroPoints.unpack(words, bits(), groups, firstRow, height, densePoints);
  }

  private void requireCodes(byte[] cells) {
    int limit = 1 << (bits() - 1);
    for (byte cell : cells) {
      if (cell < -limit || cell >= limit) {
        throw new ModelFormatException(
            Reason.TENSOR_BOUNDS,
            main.file().label(),
            "tensor " + quote(main.stored().name()),
            "holds "
                + cell
                + ", which is no signed code of "
                + bits()
                + " bits. The file is damaged; fetch it again.");
      }
    }
  }
}
