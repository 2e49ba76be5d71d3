package dev.monoquant.schemes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;

/**
 * What an integer scheme does with one weight, checked.
 *
 * @param tensor the weight's name, quoted for messages
 * @param source the weight's own type
 * @param precision the type it is computed in, which is also that of its scales
 * @param bits bits of a code
 * @param symmetric whether there are no zero points
 * @param granularity how many numbers share a scale
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

  static AffineSpec of(SchemeId scheme, int bits, WeightMatrix rows, Options options) {
    SchemeChecks.require(scheme, bits, rows, options);
    String name = QuantException.quote(rows.tensor().name());
    ElementType type = rows.tensor().type();
    if (options.granularity() instanceof Granularity.PerBlock) {
      throw new ConfigurationException(
          String.format(
              "tensor %s: scheme %s has no %s; it has tensor, channel and group:N",
              name, scheme.name(), options.granularity().wire()));
    }
    if (options.granularity() instanceof Granularity.PerGroup group
        && rows.cols() % group.size() != 0) {
      throw new ConfigurationException(
          String.format(
              "tensor %s: groups of %d do not divide its %d columns; choose a group size that does,"
                  + " or channel, or keep this weight as it is",
              name, group.size(), rows.cols()));
    }
    return new AffineSpec(
        name,
        type,
        Precision.of(type),
        bits,
        options.symmetric(),
        options.granularity(),
        rows.cols());
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

  /** Steps between the least and the greatest code, such as 255. */
  float codeRange() {
    return (1 << bits) - 1;
  }

  /** Whether a single scale serves the whole tensor. */
  boolean perTensor() {
    return granularity instanceof Granularity.PerTensor;
  }

  /** Columns that share a scale: a group, or all. */
  int blockCols() {
    return granularity instanceof Granularity.PerGroup group ? group.size() : Math.toIntExact(cols);
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
