package dev.monoquant.schemes;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The scales and zero points of the blocks of a tile: one for the tensor, for each row, or for each
 * group.
 *
 * <p>Used in one call by one thread.
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

  /** The parameters of a tensor with per-tensor granularity, for any tile. */
  static BlockParameters of(AffineSpec spec, Tile tile, AffineParameters one) {
    float[] scale = {one.scale()};
    byte[] zeroPoint = {(byte) one.zeroPoint()};
    return new BlockParameters(spec, tile.firstRow(), tile.cols(), scale, zeroPoint);
  }

  /** The parameters computed from the minimum and maximum of each block of a tile. */
  static BlockParameters of(AffineSpec spec, Tile tile, float[] least, float[] greatest) {
    float[] scales = new float[least.length];
    byte[] zeroPoints = new byte[least.length];
    BlockParameters made =
        new BlockParameters(spec, tile.firstRow(), tile.cols(), scales, zeroPoints);
    for (int block = 0; block < least.length; block++) {
      int here = block;
      AffineParameters chosen =
          AffineParameters.of(spec, least[block], greatest[block], () -> made.where(here));
      scales[block] = chosen.scale();
      zeroPoints[block] = (byte) chosen.zeroPoint();
    }
    return made;
  }

  /** The largest scale of a row of codes. */
  static float greatestScale(AffineSpec spec, EncodedTile tile, int row) {
    int from = spec.perTensor() ? 0 : row * spec.blocks();
    float greatest = 0;
    for (float scale : readScales(spec, tile, from, spec.perTensor() ? 1 : spec.blocks())) {
      greatest = Math.max(greatest, scale);
    }
    return greatest;
  }

  private static float[] readScales(AffineSpec spec, EncodedTile tile, int from, int count) {
    ElementType type = spec.precision().type();
    ByteBuffer bytes = ByteBuffer.wrap(tile.part(Part.SCALE)).position(from * type.cellBytes());
    float[] scales = new float[count];
    FloatBytes.widen(type, bytes, scales, 0, count);
    return scales;
  }

  /** All scales, for a computation with its own loops. */
  float[] scales() {
    return scales;
  }

  /** Each zero point as a float. */
  float[] zeroPoints() {
    float[] floats = new float[zeroPoints.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = zeroPoints[i];
    }
    return floats;
  }

  /** Writes the scale of each value of a part of a row. */
  void spreadScales(int row, int col, int count, float[] to) {
    int blockCols = spec.blockCols();
    for (int done = 0; done < count; ) {
      int end = Math.min(count, done + blockCols - (col + done) % blockCols);
      Arrays.fill(to, done, end, scales[index(row, col + done)]);
      done = end;
    }
  }

  /** Writes the zero point of each value of a part of a row. */
  void spreadZeroPoints(int row, int col, int count, float[] to) {
    int blockCols = spec.blockCols();
    for (int done = 0; done < count; ) {
      int end = Math.min(count, done + blockCols - (col + done) % blockCols);
      Arrays.fill(to, done, end, zeroPoints[index(row, col + done)]);
      done = end;
    }
  }

  /** The index of the block of an element. */
  private int index(int row, int col) {
    return spec.perTensor() ? 0 : row * spec.blocks() + col / spec.blockCols();
  }

  /**
   * If a weight is at the end of the range of its type, the product of its code and a rounded scale
   * may exceed that range. compressed-tensors then decodes to infinity; this scheme refuses the
   * weight.
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
                spec.tensor(),
                where(block),
                codes[i],
                scales[block],
                spec.precision().type().wire()));
      }
    }
  }

  /** The tiled parts, without the whole parts. */
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
