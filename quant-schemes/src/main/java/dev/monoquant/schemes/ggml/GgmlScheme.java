package dev.monoquant.schemes.ggml;

import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.CellChecks;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the types of ggml have in common: rows of whole blocks, one encoding for all weights, and
 * the importance of columns. All arithmetic is float32 in the order of ggml, without fused
 * operations.
 */
abstract class GgmlScheme implements Scheme {

  /** The name of the part with float16 scales of scales. */
  static final String SUPER = "super_scale";

  /** The name of the part with minimums. */
  static final String MINIMUM = "minimum";

  /** Magnitudes below are zero. */
  static final float NEGLIGIBLE = 1e-15f;

  /** Below this magnitude, no decoded value exceeds float16. */
  private static final float SAFE = 1024;

  /** All bits of the exponent of a float16. */
  private static final int INFINITY = 0x7C00;

  private final SchemeId id;
  private final int block;
  private final boolean weighted;
  private final List<OptionSpec<?>> options;

  /**
   * @param name the name, such as {@code q4-k}
   * @param bits bits of a code
   * @param symmetric whether there are no minimums
   * @param group columns of a group
   * @param block columns of a block
   * @param importance whether errors can be weighted
   */
  GgmlScheme(String name, int bits, boolean symmetric, int group, int block, boolean importance) {
    this.id = new SchemeId("ggml/" + name, 1);
    this.block = block;
    this.weighted = importance;
    this.options =
        List.of(
            CommonOptions.bits(bits),
            CommonOptions.symmetric(symmetric),
            CommonOptions.granularity("group:" + group));
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return options;
  }

  /** The mean squares of inputs are the importance of columns, as in an importance matrix. */
  @Override
  public final Set<Need> uses(OptionValues values) {
    return weighted ? Set.of(Need.INPUT_SQUARES) : Set.of();
  }

  /** Refuses a weight whose type or shape does not suit the blocks. */
  @Override
  public final Fit fit(WeightMatrix weight, OptionValues values) {
    ElementType type = weight.tensor().type();
    if (!type.isQuantizable()) {
      return Fit.not("it is " + type.wire() + "; F16, BF16, F32 and F64 are quantized");
    }
    if (weight.rowCount() < 1 || weight.columnCount() < 1) {
      return Fit.not("it is empty, of shape " + weight.tensor().shape());
    }
    long columns = weight.columnCount();
    return columns % block == 0
        ? Fit.of(encoding())
        : Fit.not("its " + columns + " columns are no multiple of the block size " + block);
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues values, Facts facts, Compute compute) {
    float @Nullable [] columns = facts.inputSquares().orElse(null);
    EncodedWeight encoded = new EncodedWeight(weight, id, values, encoding());
    return new TileQuantizer() {
      @Override
      public EncodedTile quantize(Tile tile) {
        EncodedTile made = EncodedTile.of(tile, GgmlScheme.this.quantize(tile, columns));
        if (tile.sourceType() == ElementType.FLOAT16) {
          requireFinite(tile, encoded, made.with(tensorParts()));
        }
        return made;
      }

      @Override
      public Map<String, byte[]> tensorParts() {
        return whole();
      }
    };
  }

  /** {@return the parts of every weight} */
  abstract Encoding encoding();

  /**
   * Quantizes a tile.
   *
   * @param tile the values
   * @param importance the importance of each column; null if all are equal
   * @return the tiled parts
   */
  abstract Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance);

  /** {@return the whole parts} */
  Map<String, byte[]> whole() {
    return Map.of();
  }

  /** A value near the end of float16 may be rounded beyond it; wider types have larger numbers. */
  private void requireFinite(Tile tile, EncodedWeight weight, EncodedTile made) {
    float[] x = tile.values();
    int count = tile.height() * tile.cols();
    float largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(x[i]));
    }
    if (largest < SAFE) {
      return;
    }
    float[] decoded = new float[count];
    TileDecoder.ofFormula(weight).decode(made, decoded);
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(decoded[i])) {
        throw refusal(tile, i / tile.cols(), "a value for " + x[i] + " that is larger");
      }
    }
  }

  /**
   * Stores a scale or minimum as float16.
   *
   * @param tile the tile, for the message
   * @param cells receives the number
   * @param cell the index of the number
   * @param value the number
   * @return the number as it was stored
   * @throws ValidationException if float16 does not have it
   */
  final float put(Tile tile, byte[] cells, int cell, float value) {
    short bits = Float16.fromFloat(value);
    float stored = Float16.toFloat(bits);
    if (!Float.isFinite(stored)) {
      int perRow = cells.length / Short.BYTES / tile.height();
      throw refusal(tile, cell / perRow, "the scale or minimum " + value);
    }
    cells[2 * cell] = (byte) bits;
    cells[2 * cell + 1] = (byte) (bits >> 8);
    return stored;
  }

  /**
   * Stores the scales or minimums of a tile as float16.
   *
   * @param tile the tile, for the message
   * @param values the numbers
   * @param cells receives them
   * @throws ValidationException if float16 does not have one
   */
  final void putAll(Tile tile, float[] values, byte[] cells) {
    FloatBytes.narrow(ElementType.FLOAT16, values, 0, values.length, cells, 0);
    if (CellChecks.mayHoldNonFinite(cells, INFINITY)) {
      for (int i = 0; i < values.length; i++) {
        put(tile, cells, i, values[i]);
      }
    }
  }

  private ValidationException refusal(Tile tile, int row, String what) {
    return new ValidationException(
        "scheme "
            + id
            + " on "
            + QuantException.quote(tile.rows().tensor().name())
            + ": row "
            + (tile.firstRow() + row)
            + " needs "
            + what
            + ", and float16 ends at 65504. Keep this weight, or choose a scheme whose scales have"
            + " the type of the weight, such as int8");
  }

  /** {@return the part with a code for each element} */
  static Part codes(ElementType type) {
    return Part.perElement(Part.CODES, type);
  }

  /**
   * The nearest integer, ties to even, by adding 1.5 * 2^23: the digits that are left are those of
   * the integer. Beyond 2^22 the result is as arbitrary as in ggml.
   */
  static int nearest(float x) {
    return (Float.floatToRawIntBits(x + 0x1.8p23f) & 0x7fffff) - 0x400000;
  }

  /** {@return the number within bounds} */
  static int clamp(int number, int least, int greatest) {
    return Math.max(least, Math.min(greatest, number));
  }

  /** {@return the sum of the squares of some values, first to last} */
  static float squares(float[] x, int from, int count) {
    float sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += x[i] * x[i];
    }
    return sum;
  }

  /**
   * Weights of values by the importance of their columns: {@code importance * sqrt(variance + x *
   * x)}.
   *
   * @param x the values
   * @param from the first value
   * @param count how many
   * @param importance the importance of each column
   * @param column the column of the first value
   * @param variance a mean of squares
   * @param weights receives the weights
   * @param to the place of the first weight
   */
  static void weigh(
      float[] x,
      int from,
      int count,
      float[] importance,
      int column,
      float variance,
      float[] weights,
      int to) {
    for (int i = 0; i < count; i++) {
      float value = x[from + i];
      weights[to + i] = importance[column + i] * (float) Math.sqrt(variance + value * value);
    }
  }

  /** {@return the first number of the largest magnitude, with its sign; 0 if all are negligible} */
  static float largest(float[] x, int from, int count) {
    float magnitude = 0;
    float largest = 0;
    for (int i = from; i < from + count; i++) {
      float own = Math.abs(x[i]);
      if (own > magnitude) {
        magnitude = own;
        largest = x[i];
      }
    }
    return largest;
  }
}
