package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.Set;

/** Signed integer codes with a scale, and a zero point if asymmetric. */
class IntegerScheme implements Scheme {

  private final int bits;
  private final Granularity granularity;
  private final SchemeId id;

  IntegerScheme(int bits, Granularity granularity) {
    this.bits = bits;
    this.granularity = granularity;
    this.id = new SchemeId("int" + bits, 1);
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final Options defaults(WeightMatrix rows) {
    return new Options(bits, true, granularity);
  }

  @Override
  public final Encoding encoding(WeightMatrix rows, Options options) {
    return AffineSpec.of(id, bits, rows, options).encoding();
  }

  @Override
  public final Set<Need> needs(Options options) {
    return options.granularity() instanceof Granularity.PerTensor
        ? Set.of(Need.TENSOR_RANGE)
        : Set.of();
  }

  @Override
  public final TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
    AffineSpec spec = AffineSpec.of(id, bits, rows, options);
    AffineTensorParts whole = AffineTensorParts.of(spec, facts);
    return options.compute() == Compute.TORCH
        ? new TorchAffineQuantizer(spec, whole)
        : new JvmAffineQuantizer(spec, whole);
  }

  @Override
  public final ErrorBound bound(WeightMatrix rows, Options options) {
    AffineSpec spec = AffineSpec.of(id, bits, rows, options);
    return (tile, row) -> AffineErrorBound.of(spec, BlockParameters.greatestScale(spec, tile, row));
  }
}
