package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;

/**
 * What a scheme with floating point codes does to one weight.
 *
 * @param tensor the weight's name
 * @param source the weight's own type
 * @param precision the type of the computation
 * @param code the format of the codes
 * @param scale the part with the scales
 * @param roundsQuotients whether x / scale is rounded to the precision before it is encoded
 * @param cols columns of the weight
 */
record FloatSpec(
    String tensor,
    ElementType source,
    Precision precision,
    FloatCode code,
    Part scale,
    boolean roundsQuotients,
    int cols) {

  static FloatSpec of(WeightMatrix weight, FloatCode code, Part scale, boolean roundsQuotients) {
    ElementType type = weight.tensor().type();
    return new FloatSpec(
        weight.tensor().name(),
        type,
        Precision.of(type),
        code,
        scale,
        roundsQuotients,
        Math.toIntExact(weight.columnCount()));
  }

  /** The part with one scale for each cell of a granularity. */
  static Part scale(Granularity granularity, ElementType type) {
    if (granularity instanceof Granularity.PerGroup group) {
      return Part.perGroup(Part.SCALE, type, group.size());
    }
    if (granularity instanceof Granularity.PerBlock block) {
      return Part.perBlock(Part.SCALE, type, block.rows(), block.cols());
    }
    return granularity instanceof Granularity.PerTensor
        ? Part.perTensor(Part.SCALE, type)
        : Part.perRow(Part.SCALE, type);
  }

  Part codes() {
    return Part.perElement(Part.CODES, code.type());
  }

  /** Whether the whole tensor has a single scale. */
  boolean perTensor() {
    return !scale.tiled();
  }

  /** Rows that share a scale, as far as a tile is concerned. */
  int rowsPerScale() {
    return scale.extent() instanceof Part.Grid grid ? grid.rowsPerCell() : Integer.MAX_VALUE;
  }

  /** Columns that share a scale. */
  int colsPerScale() {
    return scale.extent() instanceof Part.Grid grid
        ? (int) Math.min(grid.colsPerCell(), cols)
        : cols;
  }

  /** Scales side by side. */
  int scalesAcross() {
    int size = colsPerScale();
    return cols / size + (cols % size == 0 ? 0 : 1);
  }

  /** The index of the scale of an element of a tile. */
  int index(int row, int col) {
    return row / rowsPerScale() * scalesAcross() + col / colsPerScale();
  }

  /** The place of a scale, for messages. */
  String where(long firstRow, int index) {
    if (perTensor()) {
      return "the whole";
    }
    long row = firstRow + (long) (index / scalesAcross()) * rowsPerScale();
    String place = rowsPerScale() == 1 ? "row " + row : "the block from row " + row;
    if (scalesAcross() == 1) {
      return place;
    }
    int group = index % scalesAcross();
    return rowsPerScale() == 1
        ? place + ", group " + group
        : place + ", column " + (long) group * colsPerScale();
  }
}
