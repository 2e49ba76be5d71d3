package dev.monoquant.testkit.broken;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A sound scheme with a step for each mistake to make: INT8, a power of two for each row, with or
 * without a zero point. All its arithmetic is exact, so every error seen is the mistake's.
 */
class Toy implements Scheme {

  @Override
  public SchemeId id() {
    return new SchemeId("acme/toy", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true, false),
        CommonOptions.granularity("channel"),
        CommonOptions.profile("acme"));
  }

  @Override
  public Fit fit(WeightMatrix rows, OptionValues options) {
    return Fit.of(encoding(rows, options));
  }

  Encoding encoding(WeightMatrix rows, OptionValues options) {
    Part codes = Part.perElement(Part.CODES, ElementType.INT8);
    Part scale = Part.perRow(Part.SCALE, ElementType.FLOAT32);
    return options.symmetric()
        ? Encoding.opaque(codes, scale)
        : Encoding.opaque(codes, scale, Part.perRow(Part.ZERO_POINT, ElementType.INT16));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return tile -> quantize(tile, options.symmetric());
  }

  EncodedTile quantize(Tile tile, boolean symmetric) {
    float[] x = tile.values();
    int cols = tile.cols();
    Parts parts = new Parts(tile.height(), cols, symmetric);
    for (int row = 0; row < tile.height(); row++) {
      float scale = scale(low(x, row, cols), high(x, row, cols), symmetric);
      int zero = symmetric ? 0 : zeroPoint(low(x, row, cols), scale);
      parts.row(row, scale, zero);
      for (int i = row * cols; i < (row + 1) * cols; i++) {
        parts.codes[i] = code(x[i] / (double) scale, zero);
      }
    }
    return parts.of(tile);
  }

  /** What is written for one tile. */
  static final class Parts {
    final byte[] codes;
    private final byte[] scales;
    private final byte[] zeros;

    Parts(int height, int cols, boolean symmetric) {
      codes = new byte[height * cols];
      scales = new byte[height * Float.BYTES];
      zeros = new byte[symmetric ? 0 : height * Short.BYTES];
    }

    void row(int row, float scale, int zero) {
      little(scales).putFloat(row * Float.BYTES, scale);
      if (zeros.length > 0) {
        little(zeros).putShort(row * Short.BYTES, (short) zero);
      }
    }

    EncodedTile of(Tile tile) {
      Map<String, byte[]> parts = new TreeMap<>();
      parts.put(Part.CODES, codes);
      parts.put(Part.SCALE, scales);
      if (zeros.length > 0) {
        parts.put(Part.ZERO_POINT, zeros);
      }
      return EncodedTile.of(tile, parts);
    }
  }

  /** The least number of a row, or 0 if all are positive. */
  float low(float[] x, int row, int cols) {
    float low = 0;
    for (int i = row * cols; i < (row + 1) * cols; i++) {
      low = Math.min(low, x[i]);
    }
    return low;
  }

  /** The greatest number of a row, or 0 if all are negative. */
  float high(float[] x, int row, int cols) {
    float high = 0;
    for (int i = row * cols; i < (row + 1) * cols; i++) {
      high = Math.max(high, x[i]);
    }
    return high;
  }

  /** The least power of two that a float32 has and that spreads the row over the codes. */
  float scale(float low, float high, boolean symmetric) {
    double range = symmetric ? 2 * Math.max(-(double) low, high) : (double) high - low;
    double scale = Math.max(Float.MIN_VALUE, Math.scalb(1.0, Math.getExponent(range) - 7));
    return (float) (range > 255 * scale || (symmetric && range == 255 * scale) ? 2 * scale : scale);
  }

  int zeroPoint(float low, float scale) {
    return (int) Math.rint(-128 - low / (double) scale);
  }

  byte code(double steps, int zero) {
    return (byte) Math.max(-128, Math.min(127, (int) round(steps) + zero));
  }

  double round(double steps) {
    return Math.rint(steps);
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    ElementType type = rows.tensor().type();
    return Optional.of((tile, out) -> decode(tile, out, cols, type));
  }

  @Override
  public ErrorBound bound(WeightMatrix rows, OptionValues options) {
    return (tile, row) -> bound(scaleOf(tile, row));
  }

  void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
    byte[] codes = tile.part(Part.CODES);
    for (int i = 0; i < codes.length; i++) {
      float x = (codes[i] - zeroOf(tile, i / cols)) * scaleOf(tile, i / cols);
      out[i] = Math.max(-greatest(type), Math.min(greatest(type), x));
    }
  }

  double bound(float scale) {
    return scale / 2.0;
  }

  static float scaleOf(EncodedTile tile, int row) {
    return little(tile.part(Part.SCALE)).getFloat(row * Float.BYTES);
  }

  static int zeroOf(EncodedTile tile, int row) {
    return tile.names().contains(Part.ZERO_POINT)
        ? little(tile.part(Part.ZERO_POINT)).getShort(row * Short.BYTES)
        : 0;
  }

  static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static float greatest(ElementType type) {
    return type.maxValue();
  }
}
