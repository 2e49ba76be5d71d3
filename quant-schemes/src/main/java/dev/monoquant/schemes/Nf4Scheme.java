package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
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
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code nf4}: codes of 4 bits that are places in a table of 16 levels, in groups of 64 with their
 * largest magnitude as the scale.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where the group size B divides cols:
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>UINT4, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>FLOAT32, (rows, cols / B)</td></tr>
 * <tr><td>{@code table}</td><td>FLOAT32, (16): the levels, from -1 to 1; the eighth is 0</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, in float32:
 *
 * <pre>
 *   scale = the largest magnitude of the group
 *   x' = clamp(x * (1 / max(scale, 1e-38)), -1, 1)
 *   code = how many of the 15 middles between neighbouring levels are below x'
 *   decoded = table[code] * scale
 * </pre>
 *
 * <p>A value in the middle of two levels becomes the lower one.
 *
 * <p><b>Zero, NaN, infinity.</b> A zero is decoded to 0; a group of zeros has the scale 0. Values
 * must be finite: the framework handles others before. FLOAT64 is computed in float32.
 *
 * <p><b>Error.</b> 0.1520 scales, half the distance of the lowest two levels, and the rounding of
 * the product to the type of the weight. Every run is checked against the bound.
 *
 * <p><b>Source.</b> The profile {@code bitsandbytes}, the only one: {@code quantize_4bit} of
 * bitsandbytes 0.50.2 ({@code backends/default/ops.py}) with {@code quant_type="nf4"}, bit for bit.
 * Its blocks run on over the ends of rows; here they end there, which is the same where the block
 * divides the columns. The levels: Dettmers and others, "QLoRA", 2023, appendix E.
 *
 * <p><b>Compute.</b> Always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no blocks that cross rows, no double quantization of scales, no
 * FP4 of bitsandbytes, no calibration data, no activations.
 */
@AutoService(Scheme.class)
public final class Nf4Scheme implements Scheme {

  private static final String TABLE = "table";
  private static final float LEAST = 1e-38f;
  private static final int[] SIZES = {32, 64, 128, 256, 512, 1024, 2048, 4096};

  private static final float[] LEVELS = {
    -1.0f,
    -0.6961928f,
    -0.52507305f,
    -0.3949175f,
    -0.28444138f,
    -0.18477343f,
    -0.091050036f,
    0.0f,
    0.0795803f,
    0.1609302f,
    0.2461123f,
    0.33791524f,
    0.44070983f,
    0.562617f,
    0.72295684f,
    1.0f
  };

  private static final float[] MIDDLES = middles();

  private final List<OptionSpec<?>> options =
      List.of(
          CommonOptions.bits(4),
          CommonOptions.symmetric(true),
          CommonOptions.granularity(
              "group:64",
              "group:32",
              "group:128",
              "group:256",
              "group:512",
              "group:1024",
              "group:2048",
              "group:4096"),
          CommonOptions.profile("bitsandbytes"));

  /** Makes the scheme; it has no state. */
  public Nf4Scheme() {}

  private static float[] middles() {
    float[] middles = new float[LEVELS.length - 1];
    for (int i = 0; i < middles.length; i++) {
      middles[i] = (LEVELS[i] + LEVELS[i + 1]) / 2;
    }
    return middles;
  }

  @Override
  public SchemeId id() {
    return new SchemeId("nf4", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return options;
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues values) {
    return SchemeChecks.unfit(weight)
        .or(() -> ragged(weight, values))
        .orElseGet(() -> Fit.of(encoding(size(values))));
  }

  private static int size(OptionValues values) {
    return ((Granularity.PerGroup) values.granularity()).size();
  }

  private static Optional<Fit> ragged(WeightMatrix weight, OptionValues values) {
    long columns = weight.columnCount();
    int size = size(values);
    if (columns % size == 0) {
      return Optional.empty();
    }
    List<OptionValues> fitting =
        Arrays.stream(SIZES)
            .filter(s -> s < size && columns % s == 0)
            .mapToObj(s -> values.with(CommonOptions.GRANULARITY, Granularity.group(s)))
            .toList();
    return Optional.of(
        new Fit.Unfit(
            "its " + columns + " columns are no multiple of the group size " + size, fitting));
  }

  private static Encoding encoding(int size) {
    return new Encoding(
        List.of(
            Part.perElement(Part.CODES, ElementType.UINT4),
            Part.perGroup(Part.SCALE, ElementType.FLOAT32, size),
            table()),
        new Formula.Lookup(Part.CODES, TABLE, List.of(Factor.times(Part.SCALE))));
  }

  private static Part table() {
    return new Part(TABLE, ElementType.FLOAT32, new Part.Whole(TensorShape.of(LEVELS.length)));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues values, Facts facts, Compute compute) {
    return new Quantizer(size(values));
  }

  private record Quantizer(int size) implements TileQuantizer {

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of(TABLE, table().toBytes(LEVELS));
    }

    @Override
    public EncodedTile quantize(Tile tile) {
      float[] values = tile.values();
      int count = Math.multiplyExact(tile.height(), tile.cols());
      byte[] codes = new byte[count];
      float[] scales = new float[count / size];
      for (int group = 0; group < scales.length; group++) {
        int from = group * size;
        float greatest = AffineKernels.absMax(values, from, size);
        scales[group] = greatest;
        float inverse = 1 / Math.max(greatest, LEAST);
        for (int i = from; i < from + size; i++) {
          codes[i] = (byte) code(Math.max(-1, Math.min(1, values[i] * inverse)));
        }
      }
      return EncodedTile.of(
          tile,
          Map.of(
              Part.CODES,
              codes,
              Part.SCALE,
              Part.perGroup(Part.SCALE, ElementType.FLOAT32, size).toBytes(scales)));
    }
  }

  /** A binary search, which counts the middles below a value. */
  private static int code(float value) {
    int code = value > MIDDLES[7] ? 8 : 0;
    code += value > MIDDLES[code + 3] ? 4 : 0;
    code += value > MIDDLES[code + 1] ? 2 : 0;
    return code + (value > MIDDLES[code] ? 1 : 0);
  }

  @Override
  public ErrorBound bound(WeightMatrix weight, OptionValues values) {
    return new Bound(weight.tensor().type(), Math.toIntExact(weight.columnCount() / size(values)));
  }

  /** Half the distance of the lowest two levels, and the roundings of quotients and products. */
  private record Bound(ElementType source, int groups) implements ErrorBound {

    private static final double QUOTIENTS = 0x1p-22;

    @Override
    public double of(EncodedTile tile, int row) {
      Part scale = Part.perRow(Part.SCALE, ElementType.FLOAT32);
      float greatest = 0;
      for (int i = 0; i < groups; i++) {
        greatest = Math.max(greatest, tile.floatAt(scale, row * groups + i));
      }
      // Below the least divisor, quotients are smaller than they should be.
      double half = greatest < LEAST ? 1 : (double) LEVELS[1] / 2 - (double) LEVELS[0] / 2;
      double bound =
          (half + QUOTIENTS) * greatest + Precision.of(source).halfStep(Math.max(greatest, LEAST));
      return source == ElementType.FLOAT64
          ? bound + Precision.FLOAT32.halfStep(2 * (double) Math.max(greatest, LEAST))
          : bound;
    }
  }
}
