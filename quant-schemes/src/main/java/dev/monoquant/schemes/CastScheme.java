package dev.monoquant.schemes;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
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
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.List;

/** Casts to a floating point type of 16 bits; the subclasses tell the rest. */
abstract class CastScheme implements Scheme {

  /** The only part. */
  static final String VALUES = "values";

  private final SchemeId id;
  private final ElementType target;
  private final List<OptionSpec<?>> options;

  CastScheme(String name, ElementType target) {
    this.id = new SchemeId(name, 1);
    this.target = target;
    // A cast has neither zero points nor scales: recipes that say how others have them apply to it.
    this.options =
        List.of(
            CommonOptions.bits(target.bits()),
            CommonOptions.symmetric(true, false),
            CommonOptions.granularity("tensor", "channel", "group:N", "block:RxC"),
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
        .orElseGet(() -> Fit.of(Encoding.cast(Part.perElement(VALUES, target))));
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    return new CastQuantizer(
        QuantException.quote(weight.tensor().name()),
        weight.tensor().type(),
        target,
        compute == Compute.TORCH && target == ElementType.FLOAT16);
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return new CastErrorBound(
        weight.tensor().type(), target, Math.toIntExact(weight.columnCount()));
  }
}
