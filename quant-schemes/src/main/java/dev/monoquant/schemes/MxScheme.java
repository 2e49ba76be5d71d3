package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.Map;
import java.util.Set;

/** Groups of 32 codes with a power of two as their scale. */
abstract class MxScheme extends FloatScheme {

  private static final int GROUP = 32;

  /** The exponents of scales go from minus this to this. */
  private static final int MAX_EXPONENT = 127;

  MxScheme(String name, FloatCode code, String... searches) {
    super(name, code, CommonOptions.granularity("group:" + GROUP), searches);
  }

  @Override
  final FloatSpec spec(WeightMatrix weight, OptionValues options) {
    Part scale = Part.perGroup(Part.SCALE, ElementType.FLOAT8_E8M0, GROUP);
    return FloatSpec.of(weight, code(), scale, true);
  }

  @Override
  public final Set<Need> needs(OptionValues options) {
    return Calibrated.needs(options);
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    FloatSpec spec = spec(weight, options);
    int ofMax = Math.getExponent(spec.code().max());
    ScaleRule rule = new Rule(spec.precision(), ofMax, searches(options));
    return new FloatTileQuantizer(spec, rule, Map.of(), Calibrated.of(options, facts));
  }

  /**
   * The exponent is that of the magnitude, and one more from 1.75 on.
   *
   * @param precision the type of the weight
   * @param ofMax the exponent of the largest code
   * @param searches whether half the scale is tried, which clamps some values
   */
  private record Rule(Precision precision, int ofMax, boolean searches) implements ScaleRule {

    @Override
    public void scales(float[] greatest) {
      for (int i = 0; i < greatest.length; i++) {
        greatest[i] = scale(greatest[i]);
      }
    }

    private float scale(float greatest) {
      int exponent = exponent(precision, greatest);
      if (exponent > Math.getExponent(precision.type().maxValue())) {
        return Float.POSITIVE_INFINITY;
      }
      return known(Math.scalb(1f, Math.max(exponent - ofMax, -MAX_EXPONENT)));
    }

    /** A scale that the type of the weight does not have becomes 1, as in compressed-tensors. */
    private float known(float scale) {
      return precision.round(scale) == 0 ? 1 : scale;
    }

    @Override
    public int candidates() {
      return searches ? 2 : 1;
    }

    @Override
    public float candidate(float scale, int number) {
      float half = scale / 2;
      return half < Math.scalb(1f, -MAX_EXPONENT) || precision.round(half) == 0 ? scale : half;
    }
  }

  private static int exponent(Precision precision, float greatest) {
    int exponent = Math.getExponent(greatest);
    if (exponent < precision.minExponent()) {
      // The bits of a subnormal number count as they are: at 3/4 of the least normal one, they
      // become its own.
      return greatest >= Math.scalb(0.75f, precision.minExponent())
          ? precision.minExponent()
          : Integer.MIN_VALUE / 2;
    }
    return greatest >= Math.scalb(1.75f, exponent) ? exponent + 1 : exponent;
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    if (Calibrated.isGptq(options)) {
      return ErrorBound.NONE;
    }
    FloatSpec spec = spec(weight, options);
    double max = spec.code().max();
    // Below 1.75 * 2^e a quotient is at most this, and twice that by half the scale.
    int exponent = Math.getExponent(spec.code().max());
    double most = Math.scalb(1.75, searches(options) ? exponent + 1 : exponent);
    return new FloatErrorBound(
        spec,
        new FloatErrorBound.Scales() {
          @Override
          public double divisor(double scale, EncodedTile tile) {
            return scale;
          }

          @Override
          public double error(double scale, EncodedTile tile) {
            return scale * (most - max) / max;
          }
        });
  }
}
