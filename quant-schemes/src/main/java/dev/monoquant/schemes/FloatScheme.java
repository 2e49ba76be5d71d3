package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Codes of 8 bits with floating point scales in the weight's own type. */
abstract class FloatScheme implements Scheme {

  private final SchemeId id;
  private final FloatCode code;
  private final List<OptionSpec<?>> options;

  FloatScheme(String name, FloatCode code) {
    this.id = new SchemeId(name, 1);
    this.code = code;
    this.options =
        List.of(
            CommonOptions.bits(8),
            CommonOptions.symmetric(true),
            CommonOptions.granularity("channel", "tensor", "block:128x128", "block:RxC"),
            CommonOptions.profile(CommonOptions.COMPRESSED_TENSORS));
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
    return SchemeChecks.unfit(weight)
        .orElseGet(
            () -> {
              FloatSpec spec = spec(weight, options);
              return Fit.of(Encoding.affine(spec.codes(), spec.scale()));
            });
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
    ScaleRule rule = greatest -> scale(spec, greatest);
    if (!spec.perTensor()) {
      return new FloatTileQuantizer(spec, rule, Map.of());
    }
    Facts.Range range = facts.range();
    return new FloatTileQuantizer(spec, rule, Math.max(-range.min(), range.max()));
  }

  private static float scale(FloatSpec spec, float greatest) {
    float scale = spec.precision().round(greatest / spec.code().max());
    return scale == 0 ? spec.precision().epsilon() : scale;
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    Precision precision = Precision.of(weight.tensor().type());
    return new FloatErrorBound(
        spec(weight, options),
        new FloatErrorBound.Scales() {
          @Override
          public double divisor(double scale, EncodedTile tile) {
            return scale;
          }

          @Override
          public double error(double scale, EncodedTile tile) {
            return precision.relativeHalfStep(scale);
          }
        });
  }

  private FloatSpec spec(WeightMatrix weight, OptionValues options) {
    Precision precision = Precision.of(weight.tensor().type());
    return FloatSpec.of(
        weight, code, FloatSpec.scale(options.granularity(), precision.type()), true);
  }
}
