package dev.monoquant.schemes;

import dev.monoquant.ValidationException;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The scales and zero points of the blocks of a tile: the one of the tensor, one for each row, or one
 * for each group.
 *
 * <p>Used within one call by one thread.
 */
final class BlockParameters {

  private final AffineSpec spec;
  private final long firstRow;
  private final int cols;
  private final float[] scales;
  private final byte[] zeroPoints;

  private BlockParameters(
      AffineSpec spec, long firstRow, int cols, float[] scales, byte[] zeroPoints) {
    this.spec = spec;
    this.firstRow = firstRow;
    this.cols = cols;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
  }

  /** Those that are chosen for the numbers of a tile. */
  static BlockParameters of(AffineSpec spec, AffineTensorParts whole, Tile tile) {
    int cols = tile.cols();
    AffineParameters one = whole.parameters();
    if (one != null) {
      float[] scale = {one.scale()};
      byte[] zeroPoint = {(byte) one.zeroPoint()};
      return new BlockParameters(spec, tile.firstRow(), cols, scale, zeroPoint);
    }
    int blockCols = spec.blockCols();
    float[] values = tile.values();
    float[] scales = new float[Math.multiplyExact(tile.height(), spec.blocks())];
    byte[] zeroPoints = new byte[scales.length];
    BlockParameters made =
        new BlockParameters(spec, tile.firstRow(), cols, scales, zeroPoints);
    for (int block = 0; block < scales.length; block++) {
      int from = block * blockCols;
      AffineParameters chosen;
      int here = block;
      if (spec.symmetric()) {
        float absMax = AffineKernels.absMax(values, from, blockCols);
        chosen = AffineParameters.of(spec, -absMax, absMax, () -> made.where(here));
      } else {
        float min = AffineKernels.min(values, from, blockCols);
        float max = AffineKernels.max(values, from, blockCols);
        chosen = AffineParameters.of(spec, min, max, () -> made.where(here));
      }
      scales[block] = chosen.scale();
      zeroPoints[block] = (byte) chosen.zeroPoint();
    }
    return made;
  }

  /** Those that came with codes. */
  static BlockParameters of(AffineSpec spec, QuantizedTile tile) {
    byte[] bytes = tile.part(Part.SCALE);
    float[] scales = new float[bytes.length / spec.precision().type().cellBytes()];
    FloatBytes.widen(spec.precision().type(), ByteBuffer.wrap(bytes), scales, 0, scales.length);
    byte[] zeroPoints =
        spec.symmetric() ? new byte[scales.length] : tile.part(Part.ZERO_POINT);
    int cols = Math.toIntExact(spec.cols());
    return new BlockParameters(spec, tile.firstRow(), cols, scales, zeroPoints);
  }

  /** Whether {@link AffineKernels#products} can take all the scales. */
  boolean areComfortable() {
    for (float scale : scales) {
      if (!spec.precision().isComfortable(scale)) {
        return false;
      }
    }
    return true;
  }

  /** Writes the scale of each number of a part of a row. */
  void spreadScales(int row, int col, int count, float[] to) {
    int blockCols = spec.blockCols();
    for (int done = 0; done < count; ) {
      int end = Math.min(count, done + blockCols - (col + done) % blockCols);
      Arrays.fill(to, done, end, scales[index(row, col + done)]);
      done = end;
    }
  }

  /** Writes the zero point of each number of a part of a row. */
  void spreadZeroPoints(int row, int col, int count, float[] to) {
    int blockCols = spec.blockCols();
    for (int done = 0; done < count; ) {
      int end = Math.min(count, done + blockCols - (col + done) % blockCols);
      Arrays.fill(to, done, end, zeroPoints[index(row, col + done)]);
      done = end;
    }
  }

  /** The index of the block that a number belongs to. */
  private int index(int row, int col) {
    return spec.perTensor() ? 0 : row * spec.blocks() + col / spec.blockCols();
  }

  /**
   * A code times a scale that was rounded down may leave the range of the weight's type where the
   * weight itself was at its very end. The peer then decodes to infinity; here it is refused.
   */
  void refuseInfinite(byte[] codes) {
    float most = 0;
    for (float scale : scales) {
      most = Math.max(most, scale);
    }
    if (Float.isFinite(spec.precision().round(most * spec.codeRange()))) {
      return;
    }
    for (int i = 0; i < codes.length; i++) {
      int block = index(i / cols, i % cols);
      float level = codes[i] - zeroPoints[block];
      if (!Float.isFinite(spec.precision().round(level * scales[block]))) {
        throw new ValidationException(
            String.format(
                "tensor %s, %s: code %d times scale %s is beyond %s. Cast this weight to a type"
                    + " with a wider range first, or keep it",
                spec.tensor(), where(block), codes[i], scales[block], spec.precision().type().wire()));
      }
    }
  }

  /** The tiled parts, with those of the tensor left out. */
  Map<String, byte[]> parts(byte[] codes) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, codes);
    if (!spec.perTensor()) {
      byte[] bytes = new byte[scales.length * spec.precision().type().cellBytes()];
      FloatBytes.narrow(spec.precision().type(), scales, 0, scales.length, bytes, 0);
      parts.put(Part.SCALE, bytes);
      if (!spec.symmetric()) {
        parts.put(Part.ZERO_POINT, zeroPoints);
      }
    }
    return parts;
  }

  private String where(int block) {
    if (spec.perTensor()) {
      return "the whole";
    }
    String row = "row " + (firstRow + block / spec.blocks());
    return spec.blocks() == 1 ? row : row + ", group " + block % spec.blocks();
  }
}
