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
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Set;

/** Signed integer codes with a scale, and a zero point if asymmetric. */
class IntegerScheme implements Scheme {

  private final int bits;
  private final SchemeId id;
  private final List<OptionSpec<?>> options;

  IntegerScheme(int bits, String granularity) {
    this.bits = bits;
    this.id = new SchemeId("int" + bits, 1);
    this.options =
        List.of(
            CommonOptions.bits(bits),
            CommonOptions.symmetric(true, false),
            CommonOptions.granularity(granularity, "tensor", "channel", "group:N"),
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
        .or(() -> Fit.raggedGroups(weight, options))
        .orElseGet(() -> Fit.of(AffineSpec.of(bits, weight, options).encoding()));
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
    AffineSpec spec = AffineSpec.of(bits, weight, options);
    AffineTensorParts whole = AffineTensorParts.of(spec, facts);
    return compute == Compute.TORCH
        ? new TorchAffineQuantizer(spec, whole)
        : new JvmAffineQuantizer(spec, whole);
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    AffineSpec spec = AffineSpec.of(bits, weight, options);
    return (tile, row) -> AffineErrorBound.of(spec, BlockParameters.greatestScale(spec, tile, row));
  }
}
