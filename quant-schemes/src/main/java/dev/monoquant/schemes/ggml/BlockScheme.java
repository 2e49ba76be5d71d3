package dev.monoquant.schemes.ggml;

import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Codes with a float16 scale for each block of 32 columns, and perhaps a float16 minimum. All
 * arithmetic is float32; codes are computed with the scale before it is rounded to float16, as in
 * ggml.
 */
abstract class BlockScheme implements Scheme {

  /** Columns of a block. */
  static final int BLOCK = 32;

  private static final String MINIMUM = "minimum";

  /** How the codes of a block follow from its values. */
  enum Rule {
    /** The value of the largest magnitude has the least code; the nearest, halves up. */
    LEAST_CODE,
    /** The largest magnitude has the greatest code; the nearest, halves away from zero. */
    MAGNITUDE,
    /** The least value has the code 0, the greatest value the greatest; the nearest, halves up. */
    RANGE
  }

  private final SchemeId id;
  private final ElementType codes;
  private final Rule rule;
  private final boolean minimums;
  private final List<OptionSpec<?>> options;

  /**
   * @param name the name, such as {@code q8-0}
   * @param codes the type of the codes
   * @param rule how the codes follow; with {@code RANGE}, blocks have a minimum
   */
  BlockScheme(String name, ElementType codes, Rule rule) {
    this.id = new SchemeId("ggml/" + name, 1);
    this.codes = codes;
    this.rule = rule;
    this.minimums = rule == Rule.RANGE;
    this.options =
        List.of(
            CommonOptions.bits(codes.bits()),
            CommonOptions.symmetric(!minimums),
            CommonOptions.granularity("group:" + BLOCK));
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return options;
  }

  @Override
  public final Fit fit(WeightMatrix weight, OptionValues options) {
    return unfit(weight, BLOCK).orElseGet(() -> Fit.of(encoding()));
  }

  /** The refusal of a weight whose type or shape does not suit blocks of some columns. */
  static Optional<Fit> unfit(WeightMatrix weight, int block) {
    if (!weight.tensor().type().isQuantizable()) {
      return Optional.of(
          Fit.not(
              "it is " + weight.tensor().type().wire() + "; F16, BF16, F32 and F64 are quantized"));
    }
    if (weight.rowCount() < 1 || weight.columnCount() < 1) {
      return Optional.of(Fit.not("it is empty, of shape " + weight.tensor().shape()));
    }
    return weight.columnCount() % block == 0
        ? Optional.empty()
        : Optional.of(
            Fit.not(
                "its "
                    + weight.columnCount()
                    + " columns are no multiple of the block size "
                    + block));
  }

  private Encoding encoding() {
    Part code = Part.perElement(Part.CODES, codes);
    Part scale = Part.perGroup(Part.SCALE, ElementType.FLOAT16, BLOCK);
    if (!minimums) {
      return Encoding.affine(code, scale);
    }
    Part minimum = Part.perGroup(MINIMUM, ElementType.FLOAT16, BLOCK);
    Formula.Affine formula =
        new Formula.Affine(Part.CODES, List.of(Factor.times(Part.SCALE)), Optional.empty());
    return new Encoding(
        List.of(code, scale, minimum),
        formula.withMinimums(List.of(Factor.times(MINIMUM)), ElementType.FLOAT32));
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    return this::quantize;
  }

  private EncodedTile quantize(Tile tile) {
    int blocks = tile.height() * (tile.cols() / BLOCK);
    byte[] code = new byte[blocks * BLOCK];
    byte[] scale = new byte[blocks * Short.BYTES];
    byte[] minimum = new byte[minimums ? blocks * Short.BYTES : 0];
    float[] x = tile.values();
    for (int block = 0; block < blocks; block++) {
      int at = block * BLOCK;
      if (minimums) {
        float least = Float.MAX_VALUE;
        float greatest = -Float.MAX_VALUE;
        for (int i = at; i < at + BLOCK; i++) {
          least = x[i] < least ? x[i] : least;
          greatest = x[i] > greatest ? x[i] : greatest;
        }
        put(this, tile, scale, block, BLOCK, range(x, at, least, greatest, code));
        // Subtracted in the formula, added in ggml.
        put(this, tile, minimum, block, BLOCK, -least);
      } else {
        put(this, tile, scale, block, BLOCK, symmetric(x, at, largest(x, at), code));
      }
    }
    if (tile.sourceType() == ElementType.FLOAT16) {
      requireFinite(tile, code, scale, minimum);
    }
    return EncodedTile.of(
        tile,
        minimums
            ? Map.of(Part.CODES, code, Part.SCALE, scale, MINIMUM, minimum)
            : Map.of(Part.CODES, code, Part.SCALE, scale));
  }

  /**
   * A value near the end of float16 may be rounded beyond it; scales of wider types are smaller.
   */
  private void requireFinite(Tile tile, byte[] code, byte[] scale, byte[] minimum) {
    int mask = codes.signed() ? -1 : (1 << codes.bits()) - 1;
    for (int i = 0; i < code.length; i++) {
      int block = i / BLOCK;
      float product = (code[i] & mask) * cell(scale, block);
      float value = minimums ? product - cell(minimum, block) : product;
      if (!Float.isFinite(Float16.round(value))) {
        throw refusal(this, tile, block, BLOCK, "the value " + value);
      }
    }
  }

  private static float cell(byte[] cells, int block) {
    return Float16.toFloat((short) ((cells[2 * block] & 0xff) | cells[2 * block + 1] << 8));
  }

  /** The first value of the largest magnitude, with its sign. */
  private static float largest(float[] x, int at) {
    float magnitude = 0;
    float largest = 0;
    for (int i = at; i < at + BLOCK; i++) {
      if (magnitude < Math.abs(x[i])) {
        magnitude = Math.abs(x[i]);
        largest = x[i];
      }
    }
    return largest;
  }

  /**
   * Stores a scale or minimum as float16.
   *
   * @param scheme the scheme, for the message
   * @param tile the tile, for the message
   * @param cells receives the number
   * @param block the index of the block
   * @param size columns of a block
   * @param value the number
   * @return the number as it was stored
   * @throws ValidationException if float16 does not have it
   */
  static float put(Scheme scheme, Tile tile, byte[] cells, int block, int size, float value) {
    short bits = Float16.fromFloat(value);
    if (!Float.isFinite(Float16.toFloat(bits))) {
      throw refusal(scheme, tile, block, size, "the scale or minimum " + value);
    }
    cells[2 * block] = (byte) bits;
    cells[2 * block + 1] = (byte) (bits >> 8);
    return Float16.toFloat(bits);
  }

  /** The exception for a block that needs a number that float16 does not have. */
  static ValidationException refusal(Scheme scheme, Tile tile, int block, int size, String what) {
    return new ValidationException(
        "scheme "
            + scheme.id()
            + " on "
            + QuantException.quote(tile.rows().tensor().name())
            + ": row "
            + (tile.firstRow() + block / (tile.cols() / size))
            + " needs "
            + what
            + ", and float16 ends at 65504. Keep this weight, or choose a scheme whose scales have"
            + " the type of the weight, such as int8");
  }

  /** The codes of a block with a minimum, and its scale. */
  private float range(float[] x, int at, float least, float greatest, byte[] code) {
    float scale = (greatest - least) / codes.maxCode();
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + BLOCK; i++) {
      code[i] = (byte) Math.min(codes.maxCode(), (int) ((x[i] - least) * inverse + 0.5f));
    }
    return scale;
  }

  /** The codes of a block without a minimum, and its scale. */
  private float symmetric(float[] x, int at, float largest, byte[] code) {
    return rule == Rule.MAGNITUDE
        ? magnitude(x, at, Math.abs(largest), code)
        : leastCode(x, at, largest, code);
  }

  private float magnitude(float[] x, int at, float largest, byte[] code) {
    float scale = largest / codes.maxCode();
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + BLOCK; i++) {
      float y = x[i] * inverse;
      code[i] = (byte) (y < 0 ? -(int) (0.5 - y) : (int) (y + 0.5));
    }
    return scale;
  }

  private float leastCode(float[] x, int at, float largest, byte[] code) {
    int offset = -codes.minCode();
    float scale = largest / codes.minCode();
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + BLOCK; i++) {
      int shifted = Math.min(2 * offset - 1, (int) (x[i] * inverse + (offset + 0.5f)));
      code[i] = (byte) (shifted - offset);
    }
    return scale;
  }
}
