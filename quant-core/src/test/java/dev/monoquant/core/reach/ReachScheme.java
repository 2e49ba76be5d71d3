package dev.monoquant.core.reach;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the small schemes here share: an id, one profile, and decoded numbers of the weight's type.
 */
abstract class ReachScheme implements Scheme {

  static final String PROFILE = "acme";

  private final SchemeId id;
  private final List<OptionSpec<?>> options = new ArrayList<>();

  /**
   * @param granularity how many numbers share a scale, the default first
   */
  ReachScheme(String name, int bits, boolean symmetric, String... granularity) {
    this.id = new SchemeId("acme/" + name, 1);
    options.add(CommonOptions.bits(bits));
    options.add(CommonOptions.symmetric(symmetric));
    options.add(CommonOptions.granularity(granularity[0], granularity));
    options.add(CommonOptions.profile(PROFILE));
  }

  /** With options of its own. */
  ReachScheme(
      String name, int bits, boolean symmetric, String granularity, List<OptionSpec<?>> own) {
    this(name, bits, symmetric, granularity);
    options.addAll(own);
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return List.copyOf(options);
  }

  /** Any weight: the last block or group of a row holds what remains. */
  @Override
  public final Fit fit(WeightMatrix rows, OptionValues options) {
    return Fit.of(parts(rows, options));
  }

  abstract Encoding parts(WeightMatrix rows, OptionValues options);

  /** Decodes one number. */
  interface Level {
    double at(EncodedTile tile, int row, int col);
  }

  /** A decoder that asks for each number and gives it the weight's own type. */
  static Optional<TileDecoder> decoder(WeightMatrix rows, Level level) {
    int cols = Math.toIntExact(rows.columnCount());
    ElementType type = rows.tensor().type();
    return Optional.of(
        (tile, out) -> {
          for (int i = 0; i < tile.height() * cols; i++) {
            out[i] = round(type, level.at(tile, i / cols, i % cols));
          }
        });
  }

  private static float round(ElementType type, double x) {
    return switch (type) {
      case FLOAT16 -> Float16.round((float) clamp(x, Float16.MAX_VALUE));
      case BFLOAT16 -> BFloat16.round((float) clamp(x, BFloat16.MAX_VALUE));
      default -> (float) clamp(x, Float.MAX_VALUE);
    };
  }

  static double clamp(double x, double limit) {
    return Math.max(-limit, Math.min(limit, x));
  }

  static int clamp(long code, int min, int max) {
    return (int) Math.max(min, Math.min(max, code));
  }

  /** The greatest magnitude of some columns of a row. */
  static float greatest(float[] x, int from, int to) {
    float greatest = 0;
    for (int i = from; i < to; i++) {
      greatest = Math.max(greatest, Math.abs(x[i]));
    }
    return greatest;
  }

  /** A float32 scale for that magnitude, never zero. */
  static float scale(double greatest, int steps) {
    return Math.max(Float.MIN_NORMAL, (float) (greatest / steps));
  }

  /** The nearest of some ascending levels. */
  static int nearest(float[] levels, double x) {
    int best = 0;
    for (int i = 1; i < levels.length; i++) {
      if (Math.abs(levels[i] - x) < Math.abs(levels[best] - x)) {
        best = i;
      }
    }
    return best;
  }

  static byte[] bytes(float... numbers) {
    ByteBuffer buffer = ByteBuffer.allocate(numbers.length * Float.BYTES);
    buffer.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(numbers);
    return buffer.array();
  }

  static float floatAt(byte[] bytes, int index) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getFloat(index * Float.BYTES);
  }

  static float[] floats(byte[] bytes) {
    float[] numbers = new float[bytes.length / Float.BYTES];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = floatAt(bytes, i);
    }
    return numbers;
  }

  static int cells(int count, int perCell) {
    return (count + perCell - 1) / perCell;
  }
}
