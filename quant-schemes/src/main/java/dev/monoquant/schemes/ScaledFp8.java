package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import java.util.Map;
import java.util.Set;

/** Codes of 8 bits with scales in the weight's own type. */
abstract class ScaledFp8 extends FloatScheme {

  ScaledFp8(String name, FloatCode code) {
    super(
        name,
        code,
        CommonOptions.granularity("channel", "tensor", "block:128x128", "block:RxC"),
        GRID);
  }

  @Override
  final FloatSpec spec(WeightMatrix weight, OptionValues options) {
    Precision precision = Precision.of(weight.tensor().type());
    return FloatSpec.of(
        weight, code(), FloatSpec.scale(options.granularity(), precision.type()), true);
  }

  @Override
  public final Set<Need> needs(OptionValues options) {
    return options.granularity() instanceof Granularity.PerTensor
        ? Set.of(Need.TENSOR_RANGE)
        : Set.of();
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    FloatSpec spec = spec(weight, options);
    ScaleRule rule = new Rule(spec.precision(), spec.code().max(), searches(options));
    if (!spec.perTensor()) {
      return new FloatTileQuantizer(spec, rule, Map.of(), Calibrated.of(options, facts));
    }
    Facts.Range range = facts.range();
    return new FloatTileQuantizer(spec, rule, Math.max(-range.min(), range.max()));
  }

  /**
   * The largest magnitude becomes the largest code.
   *
   * @param precision the type of the weight
   * @param max the largest code
   * @param searches whether larger scales are tried, up to twice as large: values then fall on
   *     other parts of the binades of the codes, and none is clamped
   */
  private record Rule(Precision precision, float max, boolean searches) implements ScaleRule {

    /** Steps in which a scale is doubled. */
    private static final int STEPS = 32;

    @Override
    public void scales(float[] greatest) {
      for (int i = 0; i < greatest.length; i++) {
        float scale = precision.round(greatest[i] / max);
        greatest[i] = scale == 0 ? precision.epsilon() : scale;
      }
    }

    @Override
    public int candidates() {
      return searches ? STEPS : 1;
    }

    @Override
    public float candidate(float scale, int number) {
      return precision.round(scale * FACTORS[number]);
    }

    private static final float[] FACTORS = factors();

    /** By repeated roots, which are the same on every machine. */
    private static float[] factors() {
      float[] factors = new float[STEPS];
      for (int i = 0; i < STEPS; i++) {
        double factor = 1;
        double root = 2;
        for (int bit = STEPS / 2; bit > 0; bit /= 2) {
          root = Math.sqrt(root);
          factor *= (i & bit) == 0 ? 1 : root;
        }
        factors[i] = (float) factor;
      }
      return factors;
    }
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    FloatSpec spec = spec(weight, options);
    return new FloatErrorBound(
        spec,
        new FloatErrorBound.Scales() {
          @Override
          public double divisor(double scale, EncodedTile tile) {
            return scale;
          }

          @Override
          public double error(double scale, EncodedTile tile) {
            return spec.precision().relativeHalfStep(scale);
          }
        });
  }
}
