package dev.monoquant.schemes;

import dev.monoquant.ValidationException;
import dev.monoquant.schemes.AffineSpec.AffineParameters;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The scales and zero points of the blocks of a tile: one for the tensor, for each row, for each
 * group, or for each block of rows and columns.
 *
 * <p>Used in one call by one thread.
 */
final class BlockParameters {

  private final AffineSpec spec;
  private final BlockGrid grid;
  private final long firstRow;
  private final float[] scales;
  private final float[] zeroPoints;

  private BlockParameters(
      AffineSpec spec, BlockGrid grid, long firstRow, float[] scales, float[] zeroPoints) {
    this.spec = spec;
    this.firstRow = firstRow;
    this.grid = grid;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
  }

  /** The parameters of a tensor with per-tensor granularity, for any tile. */
  static BlockParameters of(AffineSpec spec, BlockGrid grid, Tile tile, AffineParameters one) {
    float[] scale = {one.scale()};
    float[] zeroPoint = {one.zeroPoint()};
    return new BlockParameters(spec, grid, tile.firstRow(), scale, zeroPoint);
  }

  /** The parameters computed from the ranges of the blocks of a tile. */
  static BlockParameters of(AffineSpec spec, BlockGrid grid, Tile tile, BlockRanges ranges) {
    float[] scales = new float[ranges.least().length];
    BlockParameters made =
        new BlockParameters(spec, grid, tile.firstRow(), scales, new float[scales.length]);
    for (int block = 0; block < scales.length; block++) {
      int here = block;
      made.set(
          block,
          AffineParameters.of(
              spec,
              ranges.least()[block],
              ranges.greatest()[block],
              ranges.first()[block],
              () -> made.where(here)));
    }
    return made;
  }

  /** The parameters of {@link HqqSearch}, for blocks of one row each. */
  static BlockParameters refined(AffineSpec spec, BlockGrid grid, Tile tile, BlockRanges ranges) {
    float[] scales = new float[ranges.least().length];
    BlockParameters made =
        new BlockParameters(spec, grid, tile.firstRow(), scales, new float[scales.length]);
    float[] values = tile.values();
    for (int block = 0; block < scales.length; block++) {
      int i = block % grid.across();
      AffineParameters refined =
          HqqSearch.of(
              spec,
              values,
              block / grid.across() * grid.cols() + i * grid.blockCols(),
              grid.width(i),
              ranges.least()[block],
              ranges.greatest()[block]);
      int here = block;
      refined.requireFinite(
          spec, ranges.least()[block], ranges.greatest()[block], () -> made.where(here));
      made.set(block, refined);
    }
    return made;
  }

  private void set(int block, AffineParameters chosen) {
    scales[block] = chosen.scale();
    zeroPoints[block] = chosen.zeroPoint();
  }

  /** All scales, for a computation with its own loops. */
  float[] scales() {
    return scales;
  }

  /** All zero points. */
  float[] zeroPoints() {
    return zeroPoints;
  }

  /** Writes the scale of each value of a part of a row. */
  void spreadScales(int row, int col, int count, float[] to) {
    grid.spread(scales, row, col, count, to);
  }

  /** Writes the zero point of each value of a part of a row. */
  void spreadZeroPoints(int row, int col, int count, float[] to) {
    grid.spread(zeroPoints, row, col, count, to);
  }

  /**
   * If a weight is at the end of the range of its type, the product of its code and a rounded scale
   * may exceed that range. compressed-tensors then decodes to infinity; this scheme refuses the
   * weight.
   */
  void refuseInfinite(byte[] codes) {
    float most = 0;
    for (int block = 0; block < scales.length; block++) {
      float steps = spec.codeRange();
      float levels = spec.search() == Search.HQQ ? steps + Math.abs(zeroPoints[block]) : steps;
      most = Math.max(most, Math.abs(scales[block]) * levels);
    }
    if (Float.isFinite(spec.precision().round(most))) {
      return;
    }
    for (int i = 0; i < codes.length; i++) {
      int block = grid.block(i / grid.cols(), i % grid.cols());
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
      parts.putAll(spec.shared(scales, zeroPoints));
    }
    return parts;
  }

  private String where(int block) {
    if (spec.perTensor()) {
      return "the whole";
    }
    long row = firstRow + (long) block / grid.across() * grid.blockRows();
    String place = (grid.blockRows() == 1 ? "row " : "block at row ") + row;
    return grid.across() == 1 ? place : place + ", group " + block % grid.across();
  }
}
