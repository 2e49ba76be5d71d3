package dev.monoquant.schemes;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The parameters of an integer scheme for one weight.
 *
 * @param tensor the weight's name, quoted for messages
 * @param source the weight's own type
 * @param precision the type of the computation
 * @param bits bits of a code
 * @param symmetric whether there are no zero points
 * @param granularity how many values share a scale
 * @param profile whose formulas are followed
 * @param search how scales are searched for
 * @param cols columns of the weight
 */
record AffineSpec(
    String tensor,
    ElementType source,
    Precision precision,
    int bits,
    boolean symmetric,
    Granularity granularity,
    Profile profile,
    Search search,
    long cols) {

  static AffineSpec of(int bits, WeightMatrix matrix, OptionValues options) {
    String name = QuantException.quote(matrix.tensor().name());
    ElementType type = matrix.tensor().type();
    return new AffineSpec(
        name,
        type,
        Precision.of(type),
        bits,
        options.symmetric(),
        options.granularity(),
        Profile.of(options.profile()),
        Search.of(options.get(CommonOptions.SEARCH)),
        matrix.columnCount());
  }

  /** The same for a sample of the tensor, which is taken for a single row. */
  AffineSpec ofSample(int size) {
    return new AffineSpec(
        tensor, source, precision, bits, symmetric, Granularity.CHANNEL, profile, search, size);
  }

  ElementType codeType() {
    return ElementType.code(bits, true);
  }

  /** The type of scales. */
  ElementType scaleType() {
    return search == Search.HQQ || levelPrecision() == Precision.FLOAT32
        ? ElementType.FLOAT32
        : precision.type();
  }

  ElementType zeroType() {
    return search == Search.HQQ ? ElementType.FLOAT32 : codeType();
  }

  /** The type in which values become levels, once there is a scale. */
  Precision levelPrecision() {
    return profile == Profile.TORCHAO && bits == 8 ? Precision.FLOAT32 : precision;
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

  /** The nearest value in the range of the codes; NaN stays NaN. */
  float clamp(float code) {
    return Math.min(Math.max(code, minCode()), maxCode());
  }

  /** Whether the whole tensor has a single scale. */
  boolean perTensor() {
    return granularity instanceof Granularity.PerTensor;
  }

  /** Rows that share a scale, if the tensor has several. */
  int blockRows() {
    return granularity instanceof Granularity.PerBlock block ? block.rows() : 1;
  }

  /** Columns that share a scale: a group, or all; the last block of a row may have fewer. */
  int blockCols() {
    return Math.toIntExact(Math.min(cols, granularity.columns(cols)));
  }

  /** Blocks side by side. */
  int blocks() {
    return Math.toIntExact((cols + blockCols() - 1) / blockCols());
  }

  /** Blocks of some rows, if the tensor has several. */
  int blocks(int height) {
    return Math.multiplyExact((height + blockRows() - 1) / blockRows(), blocks());
  }

  /** The index of the block of an element of a tile. */
  int block(int row, int col) {
    return perTensor() ? 0 : row / blockRows() * blocks() + col / blockCols();
  }

  Encoding encoding() {
    Part codes = Part.perElement(Part.CODES, codeType());
    Part scale = shared(Part.SCALE, scaleType());
    return symmetric
        ? Encoding.affine(codes, scale)
        : Encoding.affine(codes, scale, shared(Part.ZERO_POINT, zeroType()));
  }

  /** The parts of scales and zero points as bytes. */
  Map<String, byte[]> shared(float[] scales, float[] zeroPoints) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.SCALE, bytes(scaleType(), scales));
    if (!symmetric) {
      parts.put(Part.ZERO_POINT, bytes(zeroType(), zeroPoints));
    }
    return parts;
  }

  private static byte[] bytes(ElementType type, float[] numbers) {
    byte[] bytes = new byte[Math.multiplyExact(numbers.length, type.cellBytes())];
    if (type.isCode()) {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) numbers[i];
      }
    } else {
      FloatBytes.narrow(type, numbers, 0, numbers.length, bytes, 0);
    }
    return bytes;
  }

  private Part shared(String name, ElementType type) {
    if (granularity instanceof Granularity.PerGroup group) {
      return Part.perGroup(name, type, group.size());
    }
    if (granularity instanceof Granularity.PerBlock block) {
      return Part.perBlock(name, type, block.rows(), block.cols());
    }
    return perTensor() ? Part.perTensor(name, type) : Part.perRow(name, type);
  }
}
