package dev.monoquant.schemes;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;

/**
 * The parameters of an integer scheme for one weight.
 *
 * @param tensor the weight's name, quoted for messages
 * @param source the weight's own type
 * @param precision the type of the computation and of the scales
 * @param bits bits of a code
 * @param symmetric whether there are no zero points
 * @param granularity how many values share a scale
 * @param cols columns of the weight
 */
record AffineSpec(
    String tensor,
    ElementType source,
    Precision precision,
    int bits,
    boolean symmetric,
    Granularity granularity,
    long cols) {

  static AffineSpec of(int bits, WeightMatrix rows, OptionValues options) {
    String name = QuantException.quote(rows.tensor().name());
    ElementType type = rows.tensor().type();
    return new AffineSpec(
        name,
        type,
        Precision.of(type),
        bits,
        options.symmetric(),
        options.granularity(),
        rows.columnCount());
  }

  ElementType codeType() {
    return ElementType.code(bits, true);
  }

  int minCode() {
    return -(1 << (bits - 1));
  }

  int maxCode() {
    return (1 << (bits - 1)) - 1;
  }

  /** The number of steps between the smallest and the largest code, such as 255. */
  float codeRange() {
    return (1 << bits) - 1;
  }

  /** Whether the whole tensor has a single scale. */
  boolean perTensor() {
    return granularity instanceof Granularity.PerTensor;
  }

  /** Columns that share a scale: a group, or all. */
  int blockCols() {
    return Math.toIntExact(granularity.columns(cols));
  }

  /** Scales in a row. */
  int blocks() {
    return Math.toIntExact(cols / blockCols());
  }

  Encoding encoding() {
    Part codes = Part.perElement(Part.CODES, codeType());
    Part scale = shared(Part.SCALE, precision.type());
    return symmetric
        ? Encoding.affine(codes, scale)
        : Encoding.affine(codes, scale, shared(Part.ZERO_POINT, codeType()));
  }

  private Part shared(String name, ElementType type) {
    if (granularity instanceof Granularity.PerGroup group) {
      return Part.perGroup(name, type, group.size());
    }
    return perTensor() ? Part.perTensor(name, type) : Part.perRow(name, type);
  }
}
