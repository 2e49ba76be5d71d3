package dev.monoquant.schemes;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * {@code nvfp4}: codes of 4 bits in E2M1, in groups of 16 with a scale of 8 bits in E4M3, and one
 * scale for the whole weight.
 *
 * <p><b>Parts</b> for a weight of (rows, cols), where 16 divides cols:
 *
 * <table>
 * <caption>parts</caption>
 * <tr><td>{@code codes}</td><td>FLOAT4, (rows, cols)</td></tr>
 * <tr><td>{@code scale}</td><td>FLOAT8_E4M3, (rows, cols / 16)</td></tr>
 * <tr><td>{@code global_scale}</td><td>FLOAT32, (1)</td></tr>
 * </table>
 *
 * <p><b>Formula</b>, with A the largest magnitude of the weight and of those that a loader merges
 * with it ({@link Need#FAMILY_RANGE}: q, k and v have one global scale), m that of a group, 6 the
 * largest code and 448 the largest scale; {@code T()} rounds to the type of the weight:
 *
 * <pre>
 *   global_scale = T(T(1 / A) * 2688)                   1 if that is infinite
 *   scale = e4m3(min(global_scale * T(m / 6), 448))     0 becomes 0.125
 *   code = e2m1(x / (scale / global_scale))
 *   decoded = T(code * (scale / global_scale))
 * </pre>
 *
 * <p><b>Precision.</b> Both divisions and the products are done in float32 and rounded where {@code
 * T} says so; FLOAT64 is computed in float32. All rounding is to nearest, ties to even; to E2M1
 * that means to the even code: 0.25 becomes 0, 0.75 becomes 1, 5 becomes 4.
 *
 * <p><b>Zero, NaN, infinity.</b> A negative value that is rounded to zero has code 8, -0; a zero of
 * either sign has code 0. A group whose scale would be below 2^-10, such as one of zeros, has the
 * scale 0.125: all of its codes are zeros then. A FLOAT16 weight whose largest magnitude is below
 * 0.041 has the global scale 1, because that product is beyond FLOAT16, and is off by more; cast it
 * to FLOAT32 or BFLOAT16 first. Values must be finite: the framework handles others before. A code
 * that would decode to infinity is refused with a {@link dev.monoquant.ValidationException}.
 *
 * <p><b>Error.</b> Half the distance of the largest two codes, or where the scale was rounded down,
 * how far the largest magnitude is beyond the largest code: 1/6 of the largest magnitude in a group
 * and a little, more only where the scale is subnormal or was searched for. Every run is checked
 * against the bound.
 *
 * <p><b>Source.</b> The profile {@code compressed-tensors}, the only one: compressed-tensors at
 * commit ac8e2ba, {@code quantization/utils/helpers.py} ({@code generate_gparam}, {@code
 * calculate_qparams}), {@code fp4_utils.py}, and the fused global scales of llm-compressor: the
 * preset NVFP4A16 has these bits. The format: OCP Microscaling Formats 1.0 (E2M1).
 *
 * <p><b>Search.</b> With {@code search=grid}, the 4 scales of E4M3 below and the 6 above are tried
 * too, and the one with the least sum of squared errors of the group is taken; the first of equal
 * ones in the order from the range, below, above. It wins 1.3 dB on the linear layers of a trained
 * BERT-like model.
 *
 * <p>With a calibration, each squared error counts as much as the mean square of the inputs of its
 * column. With {@code method=gptq}, columns make up for each other's errors ({@code act-order} and
 * {@code damping} are options then), and no bound is declared.
 *
 * <p><b>Compute.</b> Always in Java. Stateless, its workers immutable and thread-safe.
 *
 * <p><b>What this does not do:</b> no activations, no other group size, no packing.
 */
@AutoService(Scheme.class)
public final class Nvfp4Scheme extends FloatScheme {

  private static final int GROUP = 16;
  private static final String GLOBAL_SCALE = "global_scale";

  /** What a scale of 0 becomes. */
  private static final float LEAST_SCALE = 0.125f;

  private static final FloatCode OF_SCALES = FloatCode.E4M3;

  /** The code of 448. */
  private static final int MAX_CODE = 0x7E;

  /** How many scales below and above that from the range are tried. */
  private static final int BELOW = 4;

  private static final int ABOVE = 6;

  /** Makes the scheme; it has no state. */
  public Nvfp4Scheme() {
    super("nvfp4", FloatCode.E2M1, CommonOptions.granularity("group:" + GROUP), GRID);
  }

  @Override
  FloatSpec spec(WeightMatrix weight, OptionValues options) {
    Part scale = Part.perGroup(Part.SCALE, OF_SCALES.type(), GROUP);
    return FloatSpec.of(weight, code(), scale, false);
  }

  @Override
  Encoding encoding(FloatSpec spec) {
    return new Encoding(
        List.of(spec.codes(), spec.scale(), globalScale()),
        new Formula.Affine(
            Part.CODES,
            List.of(Formula.Factor.times(Part.SCALE), Formula.Factor.over(GLOBAL_SCALE)),
            Optional.empty()));
  }

  private static Part globalScale() {
    return Part.perTensor(GLOBAL_SCALE, ElementType.FLOAT32);
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    Set<Need> needs = Calibrated.needs(options);
    needs.add(Need.FAMILY_RANGE);
    return needs;
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    FloatSpec spec = spec(weight, options);
    Facts.Range range = facts.familyRange();
    float global = globalScale(spec.precision(), Math.max(-range.min(), range.max()));
    return new FloatTileQuantizer(
        spec,
        new TwoLevels(spec.precision(), global, searches(options)),
        Map.of(GLOBAL_SCALE, globalScale().toBytes(global)),
        Calibrated.of(options, facts));
  }

  private float globalScale(Precision precision, float greatest) {
    float least = Math.scalb(1f, precision.minExponent());
    float reciprocal = precision.round(1 / Math.max(greatest, least));
    float scale = precision.round(reciprocal * (OF_SCALES.max() * code().max()));
    return Float.isFinite(scale) ? scale : 1;
  }

  /**
   * Scales relative to that of the whole weight.
   *
   * @param precision the type of the weight
   * @param global the scale of the whole weight
   * @param searches whether neighbours are tried
   */
  private record TwoLevels(Precision precision, float global, boolean searches)
      implements ScaleRule {

    @Override
    public void scales(float[] greatest) {
      for (int i = 0; i < greatest.length; i++) {
        greatest[i] = Math.min(global * precision.round(greatest[i] / 6), 448f);
      }
      OF_SCALES.roundPositive(greatest);
      for (int i = 0; i < greatest.length; i++) {
        greatest[i] = greatest[i] == 0 ? LEAST_SCALE : greatest[i];
      }
    }

    @Override
    public float divisor(float scale) {
      return scale / global;
    }

    @Override
    public int candidates() {
      return searches ? 1 + BELOW + ABOVE : 1;
    }

    @Override
    public float candidate(float scale, int number) {
      return neighbour(scale, number <= BELOW ? -number : number - BELOW);
    }
  }

  /** The scale so many codes away; the scale itself if there is none. */
  private static float neighbour(float scale, int codes) {
    int code = codeOf(scale) + codes;
    return code < 1 || code > MAX_CODE ? scale : scaleOf(code);
  }

  /** The bits of E4M3 are those of a float with other exponents. */
  private static int codeOf(float scale) {
    return Float.floatToRawIntBits(scale * 0x1p-120f) >> 20;
  }

  private static float scaleOf(int code) {
    return Float.intBitsToFloat(code << 20) * 0x1p120f;
  }

  /**
   * By the code of a scale, how far the scale from the range, before it was rounded, may be above
   * it and all smaller ones.
   */
  private static double[] rises(boolean searches) {
    double[] rises = new double[MAX_CODE + 1];
    for (int code = 1; code <= MAX_CODE; code++) {
      float ofRange = scaleOf(searches ? Math.min(code + BELOW, MAX_CODE) : code);
      double rise = ofRange + OF_SCALES.halfStep(ofRange) - scaleOf(code);
      rises[code] = Math.max(rise, rises[code - 1]);
    }
    return rises;
  }

  @Override
  public ErrorBound bound(WeightMatrix weight, OptionValues options) {
    if (Calibrated.isGptq(options)) {
      return ErrorBound.NONE;
    }
    FloatSpec spec = spec(weight, options);
    double[] rises = rises(searches(options));
    return new FloatErrorBound(
        spec,
        new FloatErrorBound.Scales() {
          @Override
          public double divisor(double scale, EncodedTile tile) {
            return scale / global(tile);
          }

          /** That of the rounding to E4M3 and of the search, and that of m / 6. */
          @Override
          public double error(double scale, EncodedTile tile) {
            double rise = rises[codeOf((float) scale)];
            double most = (scale + rise) / global(tile);
            return rise / global(tile) + spec.precision().relativeHalfStep(most);
          }

          private float global(EncodedTile tile) {
            return tile.floatAt(globalScale(), 0);
          }
        });
  }
}
